import { readFileSync } from 'node:fs';
import { z } from 'zod';

const fileMaxBytes = 10_000;

/** A setting, as docs/configuration.md describes it. */
interface About {
  readonly description?: string | undefined;
  /** A file may hold it in its place. */
  readonly secret?: boolean;
  /** It names where data lie: left empty it is a mistake, not a wish for the default, which is another place. */
  readonly place?: boolean;
}

export const aboutOf = (setting: z.core.$ZodType): About => z.globalRegistry.get(setting) ?? {};

/** What every server is told, of whatever family. */
export const serverVariables = {
  HOST: z
    .string()
    .max(255)
    .default('127.0.0.1')
    .meta({ description: 'The address it listens on: nothing but this machine, unless told.' }),
  PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(3000)
    .meta({ description: 'The port it listens on; 0 takes one that is free, and prints it.' }),
  SWEEP_SECONDS: z.coerce
    .number()
    .min(1)
    .max(3_600)
    .default(60)
    .meta({ description: 'How often what is due is looked for.' }),
  PUBLIC_URL: z
    .url()
    .max(2_000)
    .optional()
    .meta({ description: 'How patients reach it: what their links begin with. By default where it listens.' }),
};

/** What a process is told that answers callers. */
export const answeringVariables = {
  GALLERY_MEMORY_MB: z.coerce.number().int().min(0).max(1_000_000).default(0).meta({
    description:
      'What galleries may take, in MB (1,000,000 bytes): about 55 for 100,000 templates of 512 coordinates. With 0 nobody is found among many, only compared one to one.',
  }),
};

/** What a process of the cluster family is told besides its servers. */
export const clusterProcessVariables = {
  ...serverVariables,
  DATA_FOLDER: z.string().min(1).max(4_000).default('var/cluster').meta({
    place: true,
    description: 'Where the admin key is kept, and exports. The apis of a first start have to share it.',
  }),
};

/** As above, of an api. */
export const apiProcessVariables = { ...clusterProcessVariables, ...answeringVariables };

/** As above, of a worker; beside an api on the same machine. */
export const workerProcessVariables = {
  ...clusterProcessVariables,
  PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(3100)
    .meta({ description: 'Of a worker: where it shows /healthz, /readyz and /metrics, and nothing else.' }),
};

/** What a command of an operator is told besides its servers. */
export const operatorVariables = { DATA_FOLDER: clusterProcessVariables.DATA_FOLDER };

/** What the server of the embedded family is told. */
export const EmbeddedEnvironment = z.object({
  ...serverVariables,
  ...answeringVariables,
  DATA_FOLDER: z
    .string()
    .min(1)
    .max(4_000)
    .default('var')
    .meta({ place: true, description: 'Where everything lies. One process holds it at a time.' }),
  ROOT_KEY_FILE: z.string().min(1).max(4_000).optional().meta({
    place: true,
    description: 'Where the root key lies: `root.key` in the folder; better on another disk than the data.',
  }),
  COMMIT_DELAY_MS: z.coerce.number().int().min(0).max(1_000).optional().meta({
    description: 'For trying out what a slow disk does: every commit takes this many milliseconds longer.',
  }),
});

/**
 * Reads settings from the environment. A variable that is empty counts as one that is not there, unless it names a place
 * of data. A secret may lie in a file that `<name>_FILE` names: what processes are told is easily seen on their machine.
 * @throws ZodError with every complaint there is, never with a value
 */
export function readEnvironment<Shape extends z.ZodRawShape, Out>(
  schema: z.ZodType<Out> & { readonly shape: Shape },
  environment: NodeJS.ProcessEnv,
): Out {
  const complaints: z.core.$ZodIssue[] = [];
  const complain = (name: string, message: string) =>
    complaints.push({ code: 'custom', path: [name], message, input: undefined });
  const given = Object.entries(schema.shape).flatMap(([name, setting]): [string, string][] => {
    const { place, secret } = aboutOf(setting);
    const value = place ? environment[name] : environment[name] || undefined;
    const file = (secret && environment[`${name}_FILE`]) || undefined;
    if (file === undefined) return value === undefined ? [] : [[name, value]];
    if (value !== undefined) complain(name, `it is given twice, by ${name} and by ${name}_FILE: leave one out`);
    try {
      return [[name, contentOf(file)]];
    } catch (error) {
      complain(`${name}_FILE`, `it names a file that cannot be read: ${(error as NodeJS.ErrnoException).code}`);
      return [];
    }
  });
  const read = schema.safeParse(Object.fromEntries(given));
  const found = read.error?.issues ?? [];
  const isNew = ({ path }: z.core.$ZodIssue) =>
    !complaints.some((known) => String(known.path[0]).startsWith(String(path[0])));
  if (complaints.length + found.length > 0) throw new z.ZodError([...complaints, ...found.filter(isNew)]);
  return read.data as Out;
}

function contentOf(file: string): string {
  const text = readFileSync(file, 'utf8');
  if (text.length > fileMaxBytes) throw Object.assign(new Error(), { code: 'EFBIG' });
  return text.trim();
}
