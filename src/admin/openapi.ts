// The OpenAPI description of the admin API, made from its schemas.
import type { TSchema } from 'typebox';
import { type AdminRoute, adminRoutes } from './admin-schemas.ts';

const meanings: Record<string, string> = {
  200: 'OK',
  400: 'A parameter is wrong, or nothing waits for it',
  404: 'There is no such app',
  503: 'Not now',
};

/** OpenAPI 3.1 document, whose schemas are JSON Schema as typebox writes them. */
export function openapi(version: string): Record<string, unknown> {
  const paths = Object.entries<AdminRoute>(adminRoutes).map(([name, route]) => [
    route.path,
    { [route.method ?? 'get']: operation(name, route) },
  ]);
  return {
    openapi: '3.1.0',
    info: { title: 'Twinlake admin API', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    paths: Object.fromEntries(paths),
  };
}

function operation(name: string, route: AdminRoute): Record<string, unknown> {
  const answers: [string, unknown][] = Object.entries(route.answers).map(([status, schema]) => [
    status,
    { description: meanings[status], content: { 'application/json': { schema } } },
  ]);
  if (answers.length === 0) {
    const type = route.text ? 'text/plain' : 'application/json';
    answers.push(['200', { description: 'OK', content: { [type]: {} } }]);
  }
  return {
    operationId: name,
    summary: route.summary,
    ...((route.query || route.params) && {
      parameters: [...parameters('path', route.params), ...parameters('query', route.query)],
    }),
    responses: Object.fromEntries(answers),
  };
}

function parameters(place: 'path' | 'query', schemas: TSchema | undefined): unknown[] {
  const { properties = {}, required = [] } = (schemas ?? {}) as {
    properties?: Record<string, TSchema & { default?: unknown }>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: place,
    required: required.includes(name) && schema.default === undefined,
    schema,
  }));
}
