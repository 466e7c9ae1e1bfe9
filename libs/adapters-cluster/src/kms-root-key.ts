import {
  CreateAliasCommand,
  CreateKeyCommand,
  DescribeKeyCommand,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms';
import { type Clock, KeysUnavailable, type Random } from '#lib/ports';
import type { KmsPlace } from './cluster-settings.js';
import { KmsCalls } from './kms-calls.js';
import { isRefused } from './kms-keys.js';

/**
 * Makes the root key that an alias names, where there is none: for specs and for trying out on one machine. In production
 * whoever owns the account makes it, and decides who may use it.
 * @throws KeysUnavailable when `rootKeyId` is no alias, or KMS cannot be reached
 */
export async function ensureRootKey(kms: KmsPlace, random: Random, ticks: Clock): Promise<void> {
  const AliasName = kms.rootKeyId;
  const calls = new KmsCalls(kms, random, ticks);
  try {
    const isThere = await calls.send((client, options) =>
      client.send(new DescribeKeyCommand({ KeyId: AliasName }), options).then(
        () => true,
        (error: Error) => {
          if (error.name === 'NotFoundException') return false;
          throw error;
        },
      ),
    );
    if (isThere) return;
    if (!AliasName.startsWith('alias/')) throw new KeysUnavailable(`there is no key ${AliasName} in KMS`);
    const Description = 'Lethe: the key above all keys';
    const made = await calls.send((client, options) => client.send(new CreateKeyCommand({ Description }), options));
    const TargetKeyId = made.KeyMetadata?.KeyId;
    try {
      await calls.send((client, options) => client.send(new CreateAliasCommand({ AliasName, TargetKeyId }), options));
    } catch (error) {
      if (!isRefused(error, 'AlreadyExistsException')) throw error;
      // Another one was first, or it was this one, its answer lost: then the key that the alias names is the one made here.
      const named = await calls.send((client, options) =>
        client.send(new DescribeKeyCommand({ KeyId: AliasName }), options),
      );
      if (named.KeyMetadata?.KeyId === TargetKeyId) return;
      const input = { KeyId: TargetKeyId, PendingWindowInDays: 7 };
      await calls.send((client, options) => client.send(new ScheduleKeyDeletionCommand(input), options));
    }
  } finally {
    calls.close();
  }
}
