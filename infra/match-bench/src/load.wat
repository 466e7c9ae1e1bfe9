;; The floor: loads every byte of the rows once, and does nothing with them that takes time.
(module
  (import "gallery" "memory" (memory 1 65536 shared))
  (func (export "load") (param $rows i32) (param $bytes i32) (result i32)
    (local $end i32) (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $end (i32.add (local.get $rows) (local.get $bytes)))
    (loop $part
      (local.set $a (v128.xor (local.get $a) (v128.load (local.get $rows))))
      (local.set $b (v128.xor (local.get $b) (v128.load offset=16 (local.get $rows))))
      (local.set $c (v128.xor (local.get $c) (v128.load offset=32 (local.get $rows))))
      (local.set $d (v128.xor (local.get $d) (v128.load offset=48 (local.get $rows))))
      (br_if $part (i32.lt_u (local.tee $rows (i32.add (local.get $rows) (i32.const 64))) (local.get $end))))
    (i32x4.extract_lane 0 (v128.xor (v128.xor (local.get $a) (local.get $b)) (v128.xor (local.get $c) (local.get $d))))))
