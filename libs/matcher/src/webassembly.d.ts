/** What the matcher uses of WebAssembly: Node has it, and no library of TypeScript that has no browser. */
declare namespace WebAssembly {
  class Memory {
    constructor(bounds: { initial: number; maximum: number; shared: true });
    /** As large as the memory is now. */
    readonly buffer: SharedArrayBuffer;
    /** @throws RangeError when there is no more memory to be had */
    grow(pages: number): number;
  }
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    readonly exports: unknown;
    constructor(module: Module, imports: Record<string, Record<string, unknown>>);
  }
  function validate(bytes: Uint8Array): boolean;
}
