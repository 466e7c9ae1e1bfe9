import { BadRequestException, type ExecutionContext } from '@nestjs/common';
import { firstValueFrom, of } from 'rxjs';
import { HoldBytes, RequestBytes } from './request-bytes.js';

const made = () => {
  const [bytes, buffer] = [new RequestBytes(), new Uint8Array([1, 2])];
  bytes.own(buffer);
  return { bytes, buffer };
};
const context = (bytes: RequestBytes) =>
  ({ switchToHttp: () => ({ getRequest: () => ({ bytes }) }) }) as unknown as ExecutionContext;

describe('the bytes of a request', () => {
  it('go when it ends, and what comes later goes at once', () => {
    const { bytes, buffer } = made();
    bytes.end();
    const late = new Uint8Array([3]);
    bytes.own(late);
    expect([[...buffer], [...late]]).toEqual([[0, 0], [0]]);
  });

  it('stay as long as they are held', () => {
    const { bytes, buffer } = made();
    expect(bytes.hold()).toBe(true);
    bytes.end();
    expect([...buffer]).toEqual([1, 2]);
    bytes.release();
    expect([...buffer]).toEqual([0, 0]);
  });

  it('are not worked on once they are gone: zeros must never be enrolled', async () => {
    const { bytes } = made();
    bytes.end();
    expect(() => new HoldBytes().intercept(context(bytes), { handle: () => of('never') })).toThrow(BadRequestException);
  });

  it('go when the route is done', async () => {
    const { bytes, buffer } = made();
    await firstValueFrom(new HoldBytes().intercept(context(bytes), { handle: () => of([...buffer]) }));
    expect([...buffer]).toEqual([0, 0]);
  });
});
