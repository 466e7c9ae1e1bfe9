;; As scan-relaxed.wat, bit for bit, of instructions that every runtime with SIMD has. Of four probes each takes a pass of its own.
(module
  (import "gallery" "memory" (memory 1 65536 shared))

  ;; Half bytes of a row times coordinates of a probe.
  (func $dot (param $row i32) (param $probe i32) (param $stop i32) (result i32)
    (local $k v128) (local $l v128) (local $m v128) (local $n v128) (local $half v128) (local $sums v128)
    (local.set $half (v128.const i32x4 0x0f0f0f0f 0x0f0f0f0f 0x0f0f0f0f 0x0f0f0f0f))
    (loop $part
      (local.set $l (v128.load (local.get $row)))
      (local.set $n (v128.load offset=16 (local.get $row)))
      (local.set $k (v128.and (local.get $l) (local.get $half)))
      (local.set $l (v128.and (i16x8.shr_u (local.get $l) (i32.const 4)) (local.get $half)))
      (local.set $m (v128.and (local.get $n) (local.get $half)))
      (local.set $n (v128.and (i16x8.shr_u (local.get $n) (i32.const 4)) (local.get $half)))
      (local.set $sums (i32x4.add (local.get $sums) (i32x4.add
        (i32x4.add
          (i32x4.add
            (i32x4.dot_i16x8_s (i16x8.extend_low_i8x16_u (local.get $k)) (v128.load8x8_s (local.get $probe)))
            (i32x4.dot_i16x8_s (i16x8.extend_high_i8x16_u (local.get $k)) (v128.load8x8_s offset=8 (local.get $probe))))
          (i32x4.add
            (i32x4.dot_i16x8_s (i16x8.extend_low_i8x16_u (local.get $l)) (v128.load8x8_s offset=16 (local.get $probe)))
            (i32x4.dot_i16x8_s (i16x8.extend_high_i8x16_u (local.get $l)) (v128.load8x8_s offset=24 (local.get $probe)))))
        (i32x4.add
          (i32x4.add
            (i32x4.dot_i16x8_s (i16x8.extend_low_i8x16_u (local.get $m)) (v128.load8x8_s offset=32 (local.get $probe)))
            (i32x4.dot_i16x8_s (i16x8.extend_high_i8x16_u (local.get $m)) (v128.load8x8_s offset=40 (local.get $probe))))
          (i32x4.add
            (i32x4.dot_i16x8_s (i16x8.extend_low_i8x16_u (local.get $n)) (v128.load8x8_s offset=48 (local.get $probe)))
            (i32x4.dot_i16x8_s (i16x8.extend_high_i8x16_u (local.get $n)) (v128.load8x8_s offset=56 (local.get $probe))))))))
      (local.set $row (i32.add (local.get $row) (i32.const 32)))
      (br_if $part (i32.lt_u (local.tee $probe (i32.add (local.get $probe) (i32.const 64))) (local.get $stop))))
    (call $total (local.get $sums)))

  (func $total (param $a v128) (result i32)
    (local.set $a (i32x4.add (local.get $a)
      (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $a) (local.get $a))))
    (i32.add (i32x4.extract_lane 0 (local.get $a)) (i32x4.extract_lane 1 (local.get $a))))

  ;; Of all rows, by their upper halves: one sequential stream.
  (func (export "coarse")
    (param $rows i32) (param $count i32) (param $stride i32) (param $probe i32) (param $dots i32)
    (local $end i32) (local $stop i32) (local $bytes i32)
    (local.set $end (i32.add (local.get $dots) (i32.shl (local.get $count) (i32.const 2))))
    (local.set $stop (i32.add (local.get $probe) (local.get $stride)))
    (local.set $bytes (i32.shr_u (local.get $stride) (i32.const 1)))
    (block $none
      (br_if $none (i32.eqz (local.get $count)))
      (loop $row
        (i32.store (local.get $dots)
          (i32.shl (call $dot (local.get $rows) (local.get $probe) (local.get $stop)) (i32.const 5)))
        (local.set $rows (i32.add (local.get $rows) (local.get $bytes)))
        (br_if $row (i32.lt_u (local.tee $dots (i32.add (local.get $dots) (i32.const 4))) (local.get $end))))))

  ;; Adds, for the rows that were found, what their lower halves add. They lie far apart: sixteen at a time every line of them is
  ;; asked for before the first is worked on, so that they are waited for together and not one by one, which takes half as long.
  (func (export "fine")
    (param $rows i32) (param $found i32) (param $length i32) (param $stride i32) (param $probe i32) (param $dots i32)
    (local $stop i32) (local $bytes i32) (local $row i32) (local $at i32) (local $asked i32) (local $some i32) (local $end i32)
    (local.set $stop (i32.add (local.get $probe) (local.get $stride)))
    (local.set $bytes (i32.shr_u (local.get $stride) (i32.const 1)))
    (local.set $end (i32.add (local.get $found) (i32.mul (local.get $length) (i32.const 12))))
    (block $none
      (br_if $none (i32.eqz (local.get $length)))
      (local.set $asked (local.get $found))
      (loop $sixteen
        (local.set $some (i32.add (local.get $found) (i32.const 192)))
        (if (i32.gt_u (local.get $some) (local.get $end)) (then (local.set $some (local.get $end))))
        (loop $ask
          (local.set $row (i32.add (local.get $rows) (i32.mul (i32.load (local.get $asked)) (local.get $bytes))))
          (local.set $at (i32.add (local.get $row) (local.get $bytes)))
          (loop $line
            (drop (i32.load8_u (local.get $row)))
            (br_if $line (i32.lt_u (local.tee $row (i32.add (local.get $row) (i32.const 64))) (local.get $at))))
          (br_if $ask (i32.lt_u (local.tee $asked (i32.add (local.get $asked) (i32.const 12))) (local.get $some))))
        (loop $next
          (local.set $row (i32.add (local.get $rows) (i32.mul (i32.load (local.get $found)) (local.get $bytes))))
          (local.set $at (i32.add (local.get $dots) (i32.shl (i32.load (local.get $found)) (i32.const 2))))
          (i32.store (local.get $at) (i32.add
            (i32.load (local.get $at))
            (i32.shl (call $dot (local.get $row) (local.get $probe) (local.get $stop)) (i32.const 1))))
          (br_if $next (i32.lt_u (local.tee $found (i32.add (local.get $found) (i32.const 12))) (local.get $some))))
        (br_if $sixteen (i32.lt_u (local.get $found) (local.get $end)))))))
