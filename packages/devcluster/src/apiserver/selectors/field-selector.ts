import type { AnyObject } from '@drey/kube';
import type { ResourceDefinition } from '../model.ts';
import { badRequest } from '../status.ts';

/** Decides by the selectable fields of an object. */
export type FieldMatcher = (object: AnyObject) => boolean;

interface Term {
  readonly field: string;
  readonly equal: boolean;
  readonly value: string;
}

export interface FieldSelection {
  readonly matches: FieldMatcher;
  /** Set when only an object of this name can match. */
  readonly name: string | undefined;
}

/** Parses the `fieldSelector` parameter for a kind. Throws 400 for fields the kind does not offer. */
export function parseFieldSelector(definition: ResourceDefinition, text: string): FieldSelection | undefined {
  const terms = parseTerms(text);
  if (terms.length === 0) return undefined;
  const known = definition.strategy.selectableFields(emptyObject(definition));
  for (const { field } of terms) {
    if (field !== 'metadata.name' && field !== 'metadata.namespace' && !Object.hasOwn(known, field)) {
      throw badRequest(unknownField(definition, field, known));
    }
  }
  const named = terms.find((term) => term.field === 'metadata.name' && term.equal);
  return { matches: (object) => matchesAll(definition, terms, object), name: named?.value };
}

function matchesAll(definition: ResourceDefinition, terms: readonly Term[], object: AnyObject): boolean {
  let fields: Readonly<Record<string, string>> | undefined;
  return terms.every(({ field, equal, value }) => {
    let actual: string | undefined;
    if (field === 'metadata.name') actual = object.metadata.name;
    else if (field === 'metadata.namespace') actual = object.metadata.namespace;
    else {
      fields ??= definition.strategy.selectableFields(object);
      actual = fields[field];
    }
    return ((actual ?? '') === value) === equal;
  });
}

function emptyObject(definition: ResourceDefinition): AnyObject {
  const apiVersion = definition.group === '' ? definition.version : `${definition.group}/${definition.version}`;
  return { apiVersion, kind: definition.kind, metadata: {} };
}

/** Kinds with fields of their own refuse others in other words than kinds without. */
function unknownField(definition: ResourceDefinition, field: string, known: Readonly<Record<string, string>>): string {
  if (definition.crd !== undefined || Object.keys(known).length > 0) return `field label not supported: ${field}`;
  return `"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`;
}

function parseTerms(text: string): readonly Term[] {
  return splitTerms(text)
    .filter((part) => part !== '')
    .sort()
    .map((part) => {
      const found = /^(.*?)(!=|==|=)(.*)$/s.exec(part);
      if (found === null) throw badRequest(`invalid selector: '${text}'; can't understand '${part}'`);
      return { field: found[1] ?? '', equal: found[2] !== '!=', value: unescapeValue(found[3] ?? '') };
    });
}

/** Commas separate terms unless a backslash precedes them. */
function splitTerms(text: string): string[] {
  return text.match(/(?:\\.|[^,\\]|\\$)+/gs) ?? [];
}

function unescapeValue(value: string): string {
  return value.replace(/\\(.?)|[,=]/gs, (whole, escaped: string | undefined) => {
    if (!whole.startsWith('\\')) throw badRequest(`invalid field selector: unescaped character in value: ${whole}`);
    if (escaped !== '\\' && escaped !== ',' && escaped !== '=') {
      throw badRequest(`invalid field selector: invalid escape sequence: ${whole}`);
    }
    return escaped;
  });
}
