import { kernelModules } from './kernel.modules.js';

/** The same bits from either: `relaxed` is the faster one, `portable` runs wherever there is SIMD. */
export const kernelForms = ['relaxed', 'portable'] as const;
export type KernelForm = (typeof kernelForms)[number];

const sources = { relaxed: kernelModules.scanRelaxed, portable: kernelModules.scanPortable };
const bytesOf = (base64: string) => Uint8Array.from(Buffer.from(base64, 'base64'));

/** The fastest that this runtime has. */
export const bestKernelForm = (): KernelForm =>
  WebAssembly.validate(bytesOf(sources.relaxed)) ? 'relaxed' : 'portable';

/** Compiled, and so ready to be handed to threads. */
export interface KernelModules {
  readonly scan: WebAssembly.Module;
  readonly collect: WebAssembly.Module;
}

export function compiledKernel(form: KernelForm): KernelModules {
  return {
    scan: new WebAssembly.Module(bytesOf(sources[form])),
    collect: new WebAssembly.Module(bytesOf(kernelModules.collect)),
  };
}
