;; Integer dot products of many rows with one probe, or with four in one pass.
;; A row is `stride` bytes, a multiple of 64: signed, -127 to 127. A probe is as long: each byte is its coordinate, -63 to 63,
;; plus 64, so that the 7-bit operand of the relaxed instruction never leaves 0 to 127, where every CPU gives the same bits
;; (pairs stay under 2 * 127 * 127 = 32,258: no sum of 16 bits overflows). What 64 adds to each product comes off again:
;; `sums` holds 64 times the sum of each row.
;; Of four probes the second follows the first, and so on; so do their dots, `count` i32 each.
(module
  (import "gallery" "memory" (memory 1 65536 shared))

  (func $total (param $a v128) (result i32)
    (local.set $a (i32x4.add (local.get $a)
      (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $a) (local.get $a))))
    (i32.add (i32x4.extract_lane 0 (local.get $a)) (i32x4.extract_lane 1 (local.get $a))))

  ;; One sequential stream, four sums side by side: a single one would wait for itself.
  (func (export "scan")
    (param $rows i32) (param $count i32) (param $stride i32) (param $probe i32) (param $sums i32) (param $dots i32)
    (local $end i32) (local $at i32) (local $stop i32)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $end (i32.add (local.get $dots) (i32.shl (local.get $count) (i32.const 2))))
    (local.set $stop (i32.add (local.get $probe) (local.get $stride)))
    (block $none
      (br_if $none (i32.eqz (local.get $count)))
      (loop $row
        (local.set $a (v128.const i32x4 0 0 0 0))
        (local.set $b (local.get $a))
        (local.set $c (local.get $a))
        (local.set $d (local.get $a))
        (local.set $at (local.get $probe))
        (loop $part
          (local.set $a (i32x4.relaxed_dot_i8x16_i7x16_add_s
            (v128.load (local.get $rows)) (v128.load (local.get $at)) (local.get $a)))
          (local.set $b (i32x4.relaxed_dot_i8x16_i7x16_add_s
            (v128.load offset=16 (local.get $rows)) (v128.load offset=16 (local.get $at)) (local.get $b)))
          (local.set $c (i32x4.relaxed_dot_i8x16_i7x16_add_s
            (v128.load offset=32 (local.get $rows)) (v128.load offset=32 (local.get $at)) (local.get $c)))
          (local.set $d (i32x4.relaxed_dot_i8x16_i7x16_add_s
            (v128.load offset=48 (local.get $rows)) (v128.load offset=48 (local.get $at)) (local.get $d)))
          (local.set $rows (i32.add (local.get $rows) (i32.const 64)))
          (br_if $part (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 64))) (local.get $stop))))
        (i32.store (local.get $dots) (i32.sub
          (call $total (i32x4.add (i32x4.add (local.get $a) (local.get $b)) (i32x4.add (local.get $c) (local.get $d))))
          (i32.load (local.get $sums))))
        (local.set $sums (i32.add (local.get $sums) (i32.const 4)))
        (br_if $row (i32.lt_u (local.tee $dots (i32.add (local.get $dots) (i32.const 4))) (local.get $end))))))

  ;; Every row is loaded once for all four: beyond the caches it is loading that takes the time.
  (func (export "scanFour")
    (param $rows i32) (param $count i32) (param $stride i32) (param $first i32) (param $sums i32) (param $dots i32)
    (local $end i32) (local $plane i32) (local $start i32) (local $stop i32)
    (local $second i32) (local $third i32) (local $fourth i32)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local $e v128) (local $f v128) (local $g v128) (local $h v128)
    (local $row v128) (local $sum i32) (local $to i32)
    (local.set $plane (i32.shl (local.get $count) (i32.const 2)))
    (local.set $end (i32.add (local.get $dots) (local.get $plane)))
    (local.set $start (local.get $first))
    (local.set $stop (i32.add (local.get $first) (local.get $stride)))
    (block $none
      (br_if $none (i32.eqz (local.get $count)))
      (loop $next
        (local.set $a (v128.const i32x4 0 0 0 0))
        (local.set $b (local.get $a))
        (local.set $c (local.get $a))
        (local.set $d (local.get $a))
        (local.set $e (local.get $a))
        (local.set $f (local.get $a))
        (local.set $g (local.get $a))
        (local.set $h (local.get $a))
        (local.set $first (local.get $start))
        (local.set $second (i32.add (local.get $first) (local.get $stride)))
        (local.set $third (i32.add (local.get $second) (local.get $stride)))
        (local.set $fourth (i32.add (local.get $third) (local.get $stride)))
        (loop $part
          (local.set $row (v128.load (local.get $rows)))
          (local.set $a (i32x4.relaxed_dot_i8x16_i7x16_add_s
            (local.get $row) (v128.load (local.get $first)) (local.get $a)))
          (local.set $b (i32x4.relaxed_dot_i8x16_i7x16_add_s
            (local.get $row) (v128.load (local.get $second)) (local.get $b)))
          (local.set $c (i32x4.relaxed_dot_i8x16_i7x16_add_s
            (local.get $row) (v128.load (local.get $third)) (local.get $c)))
          (local.set $d (i32x4.relaxed_dot_i8x16_i7x16_add_s
            (local.get $row) (v128.load (local.get $fourth)) (local.get $d)))
          (local.set $row (v128.load offset=16 (local.get $rows)))
          (local.set $e (i32x4.relaxed_dot_i8x16_i7x16_add_s
            (local.get $row) (v128.load offset=16 (local.get $first)) (local.get $e)))
          (local.set $f (i32x4.relaxed_dot_i8x16_i7x16_add_s
            (local.get $row) (v128.load offset=16 (local.get $second)) (local.get $f)))
          (local.set $g (i32x4.relaxed_dot_i8x16_i7x16_add_s
            (local.get $row) (v128.load offset=16 (local.get $third)) (local.get $g)))
          (local.set $h (i32x4.relaxed_dot_i8x16_i7x16_add_s
            (local.get $row) (v128.load offset=16 (local.get $fourth)) (local.get $h)))
          (local.set $rows (i32.add (local.get $rows) (i32.const 32)))
          (local.set $second (i32.add (local.get $second) (i32.const 32)))
          (local.set $third (i32.add (local.get $third) (i32.const 32)))
          (local.set $fourth (i32.add (local.get $fourth) (i32.const 32)))
          (br_if $part (i32.lt_u (local.tee $first (i32.add (local.get $first) (i32.const 32))) (local.get $stop))))
        (local.set $sum (i32.load (local.get $sums)))
        (local.set $to (local.get $dots))
        (i32.store (local.get $to) (i32.sub (call $total (i32x4.add (local.get $a) (local.get $e))) (local.get $sum)))
        (local.set $to (i32.add (local.get $to) (local.get $plane)))
        (i32.store (local.get $to) (i32.sub (call $total (i32x4.add (local.get $b) (local.get $f))) (local.get $sum)))
        (local.set $to (i32.add (local.get $to) (local.get $plane)))
        (i32.store (local.get $to) (i32.sub (call $total (i32x4.add (local.get $c) (local.get $g))) (local.get $sum)))
        (local.set $to (i32.add (local.get $to) (local.get $plane)))
        (i32.store (local.get $to) (i32.sub (call $total (i32x4.add (local.get $d) (local.get $h))) (local.get $sum)))
        (local.set $sums (i32.add (local.get $sums) (i32.const 4)))
        (br_if $next (i32.lt_u (local.tee $dots (i32.add (local.get $dots) (i32.const 4))) (local.get $end)))))))
