;; From integer dot products to the rows that may score enough.
;; A row's score lies within (dot - less) * scale * step, its own error and the probe's added or taken away: see README.md.
;; A finding is 12 bytes: the row's number in the block, the upper end of its interval, the lower end.
(module
  (import "gallery" "memory" (memory 1 65536 shared))

  ;; Writes a finding for each row whose upper end reaches `floor`, and returns how many. `count` is a multiple of 4; `found`
  ;; has room for all.
  (func (export "collect")
    (param $dots i32) (param $count i32) (param $less i32) (param $scales i32) (param $errors i32)
    (param $step f32) (param $factor f32) (param $rest f32) (param $floor f32) (param $found i32)
    (result i32)
    (local $n i32) (local $lane i32) (local $first i32) (local $bits i32)
    (local $middle v128) (local $error v128) (local $upper v128)
    (local.set $first (local.get $found))
    (block $none
      (br_if $none (i32.eqz (local.get $count)))
      (loop $four
        (local.set $middle (f32x4.mul
          (f32x4.mul
            (f32x4.convert_i32x4_s (i32x4.sub (v128.load (local.get $dots)) (i32x4.splat (local.get $less))))
            (v128.load (local.get $scales)))
          (f32x4.splat (local.get $step))))
        (local.set $error (f32x4.add
          (f32x4.mul (v128.load (local.get $errors)) (f32x4.splat (local.get $factor)))
          (f32x4.splat (local.get $rest))))
        (local.set $upper (f32x4.add (local.get $middle) (local.get $error)))
        (local.set $bits (i32x4.bitmask (f32x4.ge (local.get $upper) (f32x4.splat (local.get $floor)))))
        (if (local.get $bits)
          (then
            (local.set $middle (f32x4.sub (local.get $middle) (local.get $error)))
            (loop $lanes
              (if (i32.and (local.get $bits) (i32.const 1))
                (then
                  (i32.store (local.get $found) (i32.add (local.get $n) (local.get $lane)))
                  (f32.store offset=4 (local.get $found) (f32x4.extract_lane 0 (local.get $upper)))
                  (f32.store offset=8 (local.get $found) (f32x4.extract_lane 0 (local.get $middle)))
                  (local.set $found (i32.add (local.get $found) (i32.const 12)))))
              (local.set $upper (i8x16.shuffle 4 5 6 7 8 9 10 11 12 13 14 15 0 1 2 3 (local.get $upper) (local.get $upper)))
              (local.set $middle (i8x16.shuffle 4 5 6 7 8 9 10 11 12 13 14 15 0 1 2 3 (local.get $middle) (local.get $middle)))
              (local.set $lane (i32.add (local.get $lane) (i32.const 1)))
              (br_if $lanes (local.tee $bits (i32.shr_u (local.get $bits) (i32.const 1)))))
            (local.set $lane (i32.const 0))))
        (local.set $dots (i32.add (local.get $dots) (i32.const 16)))
        (local.set $scales (i32.add (local.get $scales) (i32.const 16)))
        (local.set $errors (i32.add (local.get $errors) (i32.const 16)))
        (br_if $four (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 4))) (local.get $count)))))
    (i32.div_u (i32.sub (local.get $found) (local.get $first)) (i32.const 12)))

  ;; Works the intervals out again, of the rows that were found, and keeps the findings that still reach `floor`. Returns how many.
  (func (export "narrow")
    (param $found i32) (param $length i32) (param $dots i32) (param $less i32) (param $scales i32) (param $errors i32)
    (param $step f32) (param $factor f32) (param $rest f32) (param $floor f32)
    (result i32)
    (local $first i32) (local $to i32) (local $end i32) (local $at i32)
    (local $middle f32) (local $error f32)
    (local.set $first (local.get $found))
    (local.set $to (local.get $found))
    (local.set $end (i32.add (local.get $found) (i32.mul (local.get $length) (i32.const 12))))
    (block $none
      (br_if $none (i32.eqz (local.get $length)))
      (loop $next
        (local.set $at (i32.shl (i32.load (local.get $found)) (i32.const 2)))
        (local.set $middle (f32.mul
          (f32.mul
            (f32.convert_i32_s (i32.sub (i32.load (i32.add (local.get $dots) (local.get $at))) (local.get $less)))
            (f32.load (i32.add (local.get $scales) (local.get $at))))
          (local.get $step)))
        (local.set $error (f32.add
          (f32.mul (f32.load (i32.add (local.get $errors) (local.get $at))) (local.get $factor))
          (local.get $rest)))
        (if (f32.ge (f32.add (local.get $middle) (local.get $error)) (local.get $floor))
          (then
            (i32.store (local.get $to) (i32.load (local.get $found)))
            (f32.store offset=4 (local.get $to) (f32.add (local.get $middle) (local.get $error)))
            (f32.store offset=8 (local.get $to) (f32.sub (local.get $middle) (local.get $error)))
            (local.set $to (i32.add (local.get $to) (i32.const 12)))))
        (br_if $next (i32.lt_u (local.tee $found (i32.add (local.get $found) (i32.const 12))) (local.get $end)))))
    (i32.div_u (i32.sub (local.get $to) (local.get $first)) (i32.const 12))))
