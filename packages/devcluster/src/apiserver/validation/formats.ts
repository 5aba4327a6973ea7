/** Formats of names, labels and keys. Each function returns what is wrong, in the real server's words; empty: nothing. */

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const LABEL_RE = new RegExp(`^${LABEL}$`);
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const SUBDOMAIN_RE = new RegExp(`^${SUBDOMAIN}$`);
const LABEL_1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const LABEL_1035_RE = new RegExp(`^${LABEL_1035}$`);
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const QUALIFIED_RE = new RegExp(`^${QUALIFIED}$`);
const LABEL_VALUE = `(${QUALIFIED})?`;
const LABEL_VALUE_RE = new RegExp(`^${LABEL_VALUE}$`);
const CONFIG_KEY = '[-._a-zA-Z0-9]+';
const CONFIG_KEY_RE = new RegExp(`^${CONFIG_KEY}$`);

export function maxLength(length: number): string {
  return `must be no more than ${length} bytes`;
}

function maxCharacters(length: number): string {
  return `must be no more than ${length} characters`;
}

function bytes(value: string): number {
  return Buffer.byteLength(value);
}

/** The hint at the end of a format message: examples and the expression. */
function hint(message: string, expression: string, ...examples: string[]): string {
  const shown = examples.map((example) => `'${example}', `).join(' or ');
  return `${message} (e.g. ${shown}regex used for validation is '${expression}')`;
}

export function subdomainErrors(value: string): string[] {
  return [
    ...(bytes(value) > 253 ? [maxLength(253)] : []),
    ...(SUBDOMAIN_RE.test(value)
      ? []
      : [
          hint(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
            SUBDOMAIN,
            'example.com',
          ),
        ]),
  ];
}

export function labelErrors(value: string): string[] {
  return [
    ...(bytes(value) > 63 ? [maxLength(63)] : []),
    ...(LABEL_RE.test(value)
      ? []
      : SUBDOMAIN_RE.test(value)
        ? ['must not contain dots']
        : [
            hint(
              "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
              LABEL,
              'my-name',
              '123-abc',
            ),
          ]),
  ];
}

export function label1035Errors(value: string): string[] {
  return [
    ...(bytes(value) > 63 ? [maxLength(63)] : []),
    ...(LABEL_1035_RE.test(value)
      ? []
      : [
          hint(
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
            LABEL_1035,
            'my-name',
            'abc-123',
          ),
        ]),
  ];
}

/** Names that become a segment of a path: RBAC objects. */
export function pathSegmentErrors(value: string): string[] {
  if (value === '.' || value === '..') return [`may not be '${value}'`];
  return ['/', '%'].filter((part) => value.includes(part)).map((part) => `may not contain '${part}'`);
}

/** `name` or `prefix/name`: label keys, annotation keys, condition types. */
export function qualifiedNameErrors(value: string): string[] {
  const parts = value.split('/');
  const name = parts.at(-1) ?? '';
  const errors: string[] = [];
  if (parts.length === 2) {
    const prefix = parts[0] ?? '';
    if (prefix === '') errors.push('prefix part must be non-empty');
    else errors.push(...subdomainErrors(prefix).map((text) => `prefix part ${text}`));
  } else if (parts.length > 2) {
    return [
      `${hint(
        "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        QUALIFIED,
        'MyName',
        'my.name',
        '123-abc',
      )} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  if (name === '') errors.push('name part must be non-empty');
  else if (bytes(name) > 63) errors.push(`name part ${maxLength(63)}`);
  if (!QUALIFIED_RE.test(name)) {
    errors.push(
      hint(
        "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        QUALIFIED,
        'MyName',
        'my.name',
        '123-abc',
      ),
    );
  }
  return errors;
}

export function labelValueErrors(value: string): string[] {
  return [
    ...(bytes(value) > 63 ? [maxLength(63)] : []),
    ...(LABEL_VALUE_RE.test(value)
      ? []
      : [
          hint(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
            LABEL_VALUE,
            'MyValue',
            'my_value',
            '12345',
          ),
        ]),
  ];
}

/** Keys of ConfigMaps and Secrets. */
export function configKeyErrors(value: string): string[] {
  const errors = bytes(value) > 253 ? [maxLength(253)] : [];
  if (!CONFIG_KEY_RE.test(value)) {
    errors.push(
      hint(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
        CONFIG_KEY,
        'key.name',
        'KEY_NAME',
        'key-name',
      ),
    );
  }
  if (value === '.') errors.push("must not be '.'");
  else if (value === '..') errors.push("must not be '..'");
  else if (value.startsWith('..')) errors.push("must not start with '..'");
  return errors;
}

export function portErrors(port: number): string[] {
  return port >= 1 && port <= 65535 ? [] : ['must be between 1 and 65535, inclusive'];
}

/** Names of ports. */
export function portNameErrors(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 15) errors.push(maxCharacters(15));
  if (!/^[-a-z0-9]+$/.test(value)) {
    errors.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  }
  if (!/[a-z]/.test(value)) errors.push('must contain at least one letter (a-z)');
  if (value.includes('--')) errors.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-')) errors.push('must not begin or end with a hyphen');
  return errors;
}

/** Names of environment variables: any printable ASCII without `=`. */
export function envNameErrors(value: string): string[] {
  if (value === '') return [];
  return /^[ -<>-~]+$/.test(value)
    ? []
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}
