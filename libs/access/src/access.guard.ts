import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { LRUCache } from 'lru-cache';
import { ActorId, type Caller, type PatientCaller, type Role } from '#lib/core';
import { AllowedRoles, type CallerRequest, Public } from '#lib/http';
import { Clock, reading, Streams } from '#lib/ports';
import { SubjectStream } from '#lib/subjects/contract';
import { type Credential, isSecretOf, parseCredential } from './credential.js';
import { type Key, KeyStream, refusals } from './key.stream.js';
import { LinkStream } from './link.stream.js';

/** How long what was read of a key may let callers in, where another process might have revoked it meanwhile. */
const trustedMs = 1_000;
const rememberedMax = 10_000;

type Known = (Caller | PatientCaller) & { readonly role: Role };

/**
 * Finds out who calls, and whether the route is for them.
 *
 * A key that this process revoked stops at once, and one that another process revoked after a second at most. Nobody is
 * turned away on what is remembered: before that the key is read afresh. Sessions are read afresh every time.
 */
@Injectable()
export class AccessGuard implements CanActivate {
  /** When each key was last read from the store, in ms. */
  private readonly readAt = new LRUCache<string, number>({ max: rememberedMax });

  constructor(
    private readonly reflector: Reflector,
    private readonly streams: Streams,
    private readonly clock: Clock,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const route = context.getHandler();
    if (this.reflector.get(Public, route)) return true;
    const request = context.switchToHttp().getRequest<CallerRequest>();
    request.caller = await this.admit(request.headers.authorization, this.reflector.get(AllowedRoles, route) ?? []);
    return true;
  }

  /**
   * Who shows these credentials, where one of `roles` is asked for.
   * @throws Refusal `access.no-valid-key`, `access.not-allowed`
   */
  async admit(authorization: string | undefined, roles: readonly Role[]): Promise<Caller | PatientCaller> {
    const { role, ...caller } = await this.authenticate(authorization);
    if (!roles.includes(role)) throw refusals['not-allowed']();
    return caller;
  }

  private async authenticate(authorization = ''): Promise<Known> {
    const shown = parseCredential(/^Bearer (\S+)$/i.exec(authorization)?.[1] ?? '');
    const known = shown && (shown.kind === 'lethe-me' ? await this.patient(shown) : await this.holder(shown));
    if (!known) throw refusals['no-valid-key']();
    return known;
  }

  private async holder(shown: Credential): Promise<Known | undefined> {
    if (shown.kind !== 'lethe') return undefined;
    const { tenant, id } = shown;
    const place = `${tenant}/${id}`;
    const now = this.clock.now();
    const nowMs = now.getTime();
    const ageMs = nowMs - (this.readAt.get(place) ?? Number.NEGATIVE_INFINITY);
    if (ageMs >= 0 && ageMs < trustedMs) {
      const [{ state }] = await this.streams.recall(tenant, [reading(KeyStream, id)]);
      if (opens(state, shown, now)) return callerOf(state, shown);
    }
    const { state } = await this.streams.load(tenant, KeyStream, id);
    if (!opens(state, shown, now)) return undefined;
    this.readAt.set(place, nowMs);
    return callerOf(state, shown);
  }

  /** The session ends at its time, and with the subject. */
  private async patient({ tenant, id, secret }: Credential): Promise<Known | undefined> {
    const { state: link } = await this.streams.load(tenant, LinkStream, id);
    if (link.status !== 'used' || !isSecretOf(link.session.hash, secret)) return undefined;
    if (new Date(link.session.expiresAt) <= this.clock.now()) return undefined;
    const { subjectId } = link;
    const { state: subject } = await this.streams.load(tenant, SubjectStream, subjectId);
    if (subject.status !== 'registered') return undefined;
    return { tenant, actor: ActorId.parse(`link-${id}`), subjectId, role: 'patient' };
  }
}

type Issued = Exclude<Key, { status: 'none' }>;

function opens(key: Key, { secret }: Credential, now: Date): key is Issued {
  if (key.status !== 'issued' || !isSecretOf(key.hash, secret)) return false;
  return !key.terms.expiresAt || new Date(key.terms.expiresAt) > now;
}

const callerOf = ({ terms: { role } }: Issued, { tenant, id }: Credential): Known => ({
  tenant,
  actor: ActorId.parse(`key-${id}`),
  role,
});
