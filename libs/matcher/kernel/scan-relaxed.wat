;; Sums of products of a probe, or of four in one pass, with rows whose coordinates lie in two planes of half bytes.
;; A coordinate of a row is u - 128, u from 1 to 255: the upper four bits of all of them are one plane, the lower four the other.
;; For 64 coordinates a plane has 32 bytes: 16 whose lower halves are the first sixteen and whose upper halves the second, then
;; 16 with the third and the fourth. A probe has a byte for each, -127 to 127. `stride` is the bytes of a probe, a multiple of
;; 64, half of it those of a row in a plane; beyond the vector's own coordinates a probe is zero.
;; A half byte is the 7-bit operand of the relaxed instruction, where every CPU gives the same bits: no pair of products passes
;; 2 * 127 * 15 = 3,810, and no sum of 16 bits four such.
;; `dots` are in half steps, and know nothing of the 128: `collect` takes off what it adds.
(module
  (import "gallery" "memory" (memory 1 65536 shared))

  ;; Half bytes of a row times coordinates of a probe.
  (func $dot (param $row i32) (param $probe i32) (param $stop i32) (result i32)
    (local $a v128) (local $b v128) (local $half v128) (local $sums v128)
    (local.set $half (v128.const i32x4 0x0f0f0f0f 0x0f0f0f0f 0x0f0f0f0f 0x0f0f0f0f))
    (loop $part
      (local.set $a (v128.load (local.get $row)))
      (local.set $b (v128.load offset=16 (local.get $row)))
      (local.set $sums (i32x4.add (local.get $sums) (i32x4.extadd_pairwise_i16x8_s (i16x8.add
        (i16x8.add
          (i16x8.relaxed_dot_i8x16_i7x16_s
            (v128.load (local.get $probe))
            (v128.and (local.get $a) (local.get $half)))
          (i16x8.relaxed_dot_i8x16_i7x16_s
            (v128.load offset=16 (local.get $probe))
            (v128.and (i16x8.shr_u (local.get $a) (i32.const 4)) (local.get $half))))
        (i16x8.add
          (i16x8.relaxed_dot_i8x16_i7x16_s
            (v128.load offset=32 (local.get $probe))
            (v128.and (local.get $b) (local.get $half)))
          (i16x8.relaxed_dot_i8x16_i7x16_s
            (v128.load offset=48 (local.get $probe))
            (v128.and (i16x8.shr_u (local.get $b) (i32.const 4)) (local.get $half))))))))
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
        (br_if $sixteen (i32.lt_u (local.get $found) (local.get $end))))))

  ;; As four times `coarse`, of probes that follow each other, and so do their dots, `count` i32 each. Every row is loaded, and
  ;; taken apart, once.
  (func (export "coarseFour")
    (param $rows i32) (param $count i32) (param $stride i32) (param $probes i32) (param $dots i32)
    (local $end i32) (local $plane i32) (local $stop i32) (local $to i32)
    (local $first i32) (local $second i32) (local $third i32) (local $fourth i32)
    (local $half v128) (local $k v128) (local $l v128) (local $m v128) (local $n v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $half (v128.const i32x4 0x0f0f0f0f 0x0f0f0f0f 0x0f0f0f0f 0x0f0f0f0f))
    (local.set $plane (i32.shl (local.get $count) (i32.const 2)))
    (local.set $end (i32.add (local.get $dots) (local.get $plane)))
    (local.set $stop (i32.add (local.get $probes) (local.get $stride)))
    (block $none
      (br_if $none (i32.eqz (local.get $count)))
      (loop $row
        (local.set $a (v128.const i32x4 0 0 0 0))
        (local.set $b (local.get $a))
        (local.set $c (local.get $a))
        (local.set $d (local.get $a))
        (local.set $first (local.get $probes))
        (local.set $second (i32.add (local.get $first) (local.get $stride)))
        (local.set $third (i32.add (local.get $second) (local.get $stride)))
        (local.set $fourth (i32.add (local.get $third) (local.get $stride)))
        (loop $part
          (local.set $l (v128.load (local.get $rows)))
          (local.set $n (v128.load offset=16 (local.get $rows)))
          (local.set $k (v128.and (local.get $l) (local.get $half)))
          (local.set $l (v128.and (i16x8.shr_u (local.get $l) (i32.const 4)) (local.get $half)))
          (local.set $m (v128.and (local.get $n) (local.get $half)))
          (local.set $n (v128.and (i16x8.shr_u (local.get $n) (i32.const 4)) (local.get $half)))
          (local.set $a (i32x4.add (local.get $a) (i32x4.extadd_pairwise_i16x8_s (i16x8.add
            (i16x8.add
              (i16x8.relaxed_dot_i8x16_i7x16_s (v128.load (local.get $first)) (local.get $k))
              (i16x8.relaxed_dot_i8x16_i7x16_s (v128.load offset=16 (local.get $first)) (local.get $l)))
            (i16x8.add
              (i16x8.relaxed_dot_i8x16_i7x16_s (v128.load offset=32 (local.get $first)) (local.get $m))
              (i16x8.relaxed_dot_i8x16_i7x16_s (v128.load offset=48 (local.get $first)) (local.get $n)))))))
          (local.set $b (i32x4.add (local.get $b) (i32x4.extadd_pairwise_i16x8_s (i16x8.add
            (i16x8.add
              (i16x8.relaxed_dot_i8x16_i7x16_s (v128.load (local.get $second)) (local.get $k))
              (i16x8.relaxed_dot_i8x16_i7x16_s (v128.load offset=16 (local.get $second)) (local.get $l)))
            (i16x8.add
              (i16x8.relaxed_dot_i8x16_i7x16_s (v128.load offset=32 (local.get $second)) (local.get $m))
              (i16x8.relaxed_dot_i8x16_i7x16_s (v128.load offset=48 (local.get $second)) (local.get $n)))))))
          (local.set $c (i32x4.add (local.get $c) (i32x4.extadd_pairwise_i16x8_s (i16x8.add
            (i16x8.add
              (i16x8.relaxed_dot_i8x16_i7x16_s (v128.load (local.get $third)) (local.get $k))
              (i16x8.relaxed_dot_i8x16_i7x16_s (v128.load offset=16 (local.get $third)) (local.get $l)))
            (i16x8.add
              (i16x8.relaxed_dot_i8x16_i7x16_s (v128.load offset=32 (local.get $third)) (local.get $m))
              (i16x8.relaxed_dot_i8x16_i7x16_s (v128.load offset=48 (local.get $third)) (local.get $n)))))))
          (local.set $d (i32x4.add (local.get $d) (i32x4.extadd_pairwise_i16x8_s (i16x8.add
            (i16x8.add
              (i16x8.relaxed_dot_i8x16_i7x16_s (v128.load (local.get $fourth)) (local.get $k))
              (i16x8.relaxed_dot_i8x16_i7x16_s (v128.load offset=16 (local.get $fourth)) (local.get $l)))
            (i16x8.add
              (i16x8.relaxed_dot_i8x16_i7x16_s (v128.load offset=32 (local.get $fourth)) (local.get $m))
              (i16x8.relaxed_dot_i8x16_i7x16_s (v128.load offset=48 (local.get $fourth)) (local.get $n)))))))
          (local.set $rows (i32.add (local.get $rows) (i32.const 32)))
          (local.set $second (i32.add (local.get $second) (i32.const 64)))
          (local.set $third (i32.add (local.get $third) (i32.const 64)))
          (local.set $fourth (i32.add (local.get $fourth) (i32.const 64)))
          (br_if $part (i32.lt_u (local.tee $first (i32.add (local.get $first) (i32.const 64))) (local.get $stop))))
        (i32.store (local.get $dots) (i32.shl (call $total (local.get $a)) (i32.const 5)))
        (i32.store (local.tee $to (i32.add (local.get $dots) (local.get $plane)))
          (i32.shl (call $total (local.get $b)) (i32.const 5)))
        (i32.store (local.tee $to (i32.add (local.get $to) (local.get $plane)))
          (i32.shl (call $total (local.get $c)) (i32.const 5)))
        (i32.store (i32.add (local.get $to) (local.get $plane))
          (i32.shl (call $total (local.get $d)) (i32.const 5)))
        (br_if $row (i32.lt_u (local.tee $dots (i32.add (local.get $dots) (i32.const 4))) (local.get $end)))))))
