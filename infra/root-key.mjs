/**
 * Makes the key above all keys in a local KMS, under the alias that KMS_KEY_ID names (alias/lethe), unless it is there.
 * For trying out and for tests: in AWS itself a key is made by people, with a policy. Refuses without KMS_ENDPOINT.
 */
import {
  AlreadyExistsException,
  CreateAliasCommand,
  CreateKeyCommand,
  DescribeKeyCommand,
  KMSClient,
  NotFoundException,
} from '@aws-sdk/client-kms';

/** Answers whether it was made now. @throws when the KMS is not there within a minute */
export async function makeRootKey({
  KMS_ENDPOINT: endpoint,
  AWS_REGION: region,
  KMS_KEY_ID = 'alias/lethe',
  ...environment
}) {
  if (!endpoint || !KMS_KEY_ID.startsWith('alias/'))
    throw new Error('KMS_ENDPOINT has to name a local KMS, KMS_KEY_ID an alias');
  const { AWS_ACCESS_KEY_ID: accessKeyId = 'test', AWS_SECRET_ACCESS_KEY: secretAccessKey = 'test' } = environment;
  const kms = new KMSClient({ endpoint, region, credentials: { accessKeyId, secretAccessKey }, maxAttempts: 10 });
  try {
    await kms.send(new DescribeKeyCommand({ KeyId: KMS_KEY_ID }));
    return false;
  } catch (error) {
    if (!(error instanceof NotFoundException)) throw error;
  }
  try {
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Description: 'Lethe: the key above all keys' }));
    await kms.send(new CreateAliasCommand({ AliasName: KMS_KEY_ID, TargetKeyId: KeyMetadata?.KeyId }));
    return true;
  } catch (error) {
    // Another one was first.
    if (error instanceof AlreadyExistsException) return false;
    throw error;
  } finally {
    kms.destroy();
  }
}

if (import.meta.filename === process.argv[1]) {
  const made = await makeRootKey(process.env);
  console.log(made ? 'the root key is made' : 'the root key is there');
}
