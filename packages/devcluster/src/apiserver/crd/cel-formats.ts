import { type CelFunc, type CelInput, CelScalar, celFunc, celList, celMethod, mapType } from '@bufbuild/cel';
import {
  label1035Errors,
  labelErrors,
  labelValueErrors,
  qualifiedNameErrors,
  subdomainErrors,
} from '../validation/formats.ts';
import { unwrap, wrap } from './cel-opaque.ts';
import { none, optionalOf } from './cel-optional.ts';
import { formatCheck } from './formats.ts';

/** `format.dns1123Label().validate(text)`: named formats, and the errors that a text has by them. */

const { DYN, STRING } = CelScalar;
const MAP = mapType(DYN, DYN);

const prefixOf = (text: string): string => (text.endsWith('-') ? `${text.slice(0, -1)}a` : text);
const checked =
  (format: string, message: string) =>
  (text: string): readonly string[] =>
    formatCheck(format)?.(text) === false ? [message] : [];

const FORMATS: Readonly<Record<string, (text: string) => readonly string[]>> = {
  dns1123Label: labelErrors,
  dns1123Subdomain: subdomainErrors,
  dns1035Label: label1035Errors,
  qualifiedName: qualifiedNameErrors,
  dns1123LabelPrefix: (text) => labelErrors(prefixOf(text)),
  dns1123SubdomainPrefix: (text) => subdomainErrors(prefixOf(text)),
  dns1035LabelPrefix: (text) => label1035Errors(prefixOf(text)),
  labelValue: labelValueErrors,
  uri: checked('uri', 'invalid URI'),
  uuid: checked('uuid', 'does not match the UUID format'),
  byte: checked('byte', 'invalid base64'),
  date: checked('date', 'invalid date'),
  datetime: checked('date-time', 'invalid datetime'),
};

export function formatFunctions(): CelFunc[] {
  const named = Object.keys(FORMATS).map((name) =>
    celFunc(`format.${name}`, [], MAP, () => wrap({ kind: 'format', name })),
  );
  return [
    ...named,
    celFunc('format.named', [STRING], MAP, (name) =>
      Object.hasOwn(FORMATS, name) ? optionalOf(wrap({ kind: 'format', name })) : none(),
    ),
    celMethod('validate', MAP, [STRING], MAP, function (text) {
      const errors = FORMATS[unwrap(this, 'format').name]?.(text) ?? [];
      return errors.length === 0 ? none() : optionalOf(celList(errors as readonly CelInput[]));
    }),
  ];
}
