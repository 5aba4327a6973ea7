import type { OpenApiDefinition } from '../schema/index.ts';

interface OpenApiParts {
  readonly info: Readonly<Record<string, string>>;
  readonly paths: Readonly<Record<string, unknown>>;
  readonly definitions: Readonly<Record<string, OpenApiDefinition>>;
}

interface V3Operation {
  readonly parameters?: readonly V3Parameter[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: unknown }>>;
    readonly required?: boolean;
  };
  readonly responses: Readonly<
    Record<
      string,
      { readonly description: string; readonly content?: Readonly<Record<string, { readonly schema: unknown }>> }
    >
  >;
}

interface V3Parameter {
  readonly schema: Readonly<Record<string, unknown>>;
}

/** The OpenAPI v2 form of the documents, for clients that know no v3. */
export function toSwagger({ info, paths, definitions }: OpenApiParts): Record<string, unknown> {
  return {
    swagger: '2.0',
    info,
    paths: Object.fromEntries(
      Object.entries(paths).map(([path, item]) => [path, pathItem(item as Record<string, unknown>)]),
    ),
    definitions: Object.fromEntries(Object.entries(definitions).map(([name, value]) => [name, schema(value)])),
    securityDefinitions: { BearerToken: { type: 'apiKey', name: 'authorization', in: 'header' } },
    security: [{ BearerToken: [] }],
  };
}

function pathItem(item: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(item).map(([key, value]) =>
      key === 'parameters' ? [key, (value as V3Parameter[]).map(parameter)] : [key, operation(value as V3Operation)],
    ),
  );
}

function parameter({ schema: type, ...rest }: V3Parameter): Record<string, unknown> {
  return { ...type, ...rest };
}

function operation({ requestBody, responses, parameters = [], ...rest }: V3Operation): Record<string, unknown> {
  const [consumed] = Object.entries(requestBody?.content ?? {});
  const body = consumed && {
    name: 'body',
    in: 'body',
    ...(requestBody?.required ? { required: true } : {}),
    schema: schema(consumed[1].schema),
  };
  return {
    ...rest,
    ...(requestBody === undefined ? {} : { consumes: Object.keys(requestBody.content) }),
    produces: ['application/json'],
    parameters: [...(body === undefined ? [] : [body]), ...parameters.map(parameter)],
    responses: Object.fromEntries(
      Object.entries(responses).map(([code, { description, content }]) => {
        const answer = content?.['application/json']?.schema;
        return [code, { description, ...(answer === undefined ? {} : { schema: schema(answer) }) }];
      }),
    ),
  };
}

/** References move, a reference with a default becomes a plain one, and a choice of types becomes a string. */
function schema(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(schema);
  if (typeof value !== 'object' || value === null) return value;
  const { allOf, oneOf, nullable: _nullable, ...rest } = value as OpenApiDefinition;
  if (allOf?.length === 1 && allOf[0]?.$ref !== undefined) {
    const { description } = rest;
    return { ...(description === undefined ? {} : { description }), ...(schema(allOf[0]) as object) };
  }
  const out: Record<string, unknown> = oneOf === undefined ? {} : { type: 'string' };
  for (const [key, item] of Object.entries(rest)) {
    out[key] = key === '$ref' ? String(item).replace('#/components/schemas/', '#/definitions/') : schema(item);
  }
  return out;
}
