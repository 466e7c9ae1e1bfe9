import type { OpenAPIObject } from '@nestjs/swagger';
import type { Role } from '#lib/core';
import type { TestApi } from './api.js';

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']> & { readonly 'x-allowed-to'?: readonly Role[] };
interface Parameter {
  readonly in: string;
  readonly name: string;
}

export const verbs = ['get', 'put', 'post', 'delete'] as const;

/** A route, as the API document says it. */
export interface Route {
  /** Verb and path: `put /v1/consents/{consentId}`. */
  readonly name: string;
  readonly verb: (typeof verbs)[number];
  readonly path: string;
  readonly allowedTo: readonly string[];
  /** Names of what stands in its path, its query and its headers. */
  readonly inPath: readonly string[];
  readonly inQuery: readonly string[];
  readonly inHeaders: readonly string[];
  readonly takesBody: boolean;
  readonly takesBytes: boolean;
  /** Whether it records something, and so tells a place in the log. */
  readonly writes: boolean;
}

function routeOf(path: string, verb: Route['verb'], operation: Operation): Route {
  const parameters = (operation.parameters ?? []) as Parameter[];
  const named = (where: string) => parameters.filter((each) => each.in === where).map(({ name }) => name);
  const { content = {} } = (operation.requestBody ?? {}) as { content?: object };
  const answers = Object.values(operation.responses) as { headers?: object }[];
  return {
    name: `${verb} ${path}`,
    verb,
    path,
    allowedTo: operation['x-allowed-to'] ?? [],
    inPath: named('path'),
    inQuery: named('query'),
    inHeaders: named('header'),
    takesBody: operation.requestBody !== undefined,
    takesBytes: 'application/octet-stream' in content,
    writes: answers.some(({ headers = {} }) => 'lethe-position' in headers),
  };
}

/** Every route there is: from the document that the application makes of itself, so that none is forgotten. */
export async function routesOf(api: TestApi): Promise<Route[]> {
  const { body } = await api.anybody().get('/docs/openapi.json').expect(200);
  return Object.entries((body as OpenAPIObject).paths).flatMap(([path, item]) =>
    verbs.flatMap((verb) => (item[verb] ? [routeOf(path, verb, item[verb])] : [])),
  );
}

/** A path with these in the places of its parameters. */
export const pathOf = ({ path }: Route, ids: Readonly<Record<string, string>>) =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? name);
