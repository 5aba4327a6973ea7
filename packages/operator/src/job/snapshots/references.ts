/** A place of state that something may still be started from. */
export interface StateReference {
  readonly path: string;
  /** `Kind/name` of what names it, for people. */
  readonly by: string;
}

/** An object with a job, as far as it names places of state. */
export interface Referring {
  readonly kind: string;
  readonly metadata: { readonly name?: string };
  readonly spec: { readonly job?: { readonly initialSavepointPath?: string | null } | null };
  readonly status?: {
    readonly jobStatus?: {
      readonly upgradeSavepointPath?: string | null;
      readonly savepointInfo?: { readonly lastSavepoint?: { readonly location?: string | null } | null } | null;
    } | null;
  };
}

/** The places of state that an object with a job names. */
export function referencesOf({ kind, metadata, spec, status }: Referring): StateReference[] {
  const job = status?.jobStatus;
  const paths = [
    job?.upgradeSavepointPath,
    job?.savepointInfo?.lastSavepoint?.location,
    spec.job?.initialSavepointPath,
  ];
  const by = `${kind}/${metadata.name ?? ''}`;
  return paths.filter((path) => typeof path === 'string' && path !== '').map((path) => ({ path: path ?? '', by }));
}

/** What names a place, if anything does. */
export function referenceTo(path: string, references: readonly StateReference[]): StateReference | undefined {
  const plain = plainPath(path);
  return references.find((one) => plainPath(one.path) === plain);
}

/** A URI in one spelling: Flink reports `file:/x` for what was asked for as `file:///x` or `/x`. */
function plainPath(uri: string): string {
  const text = uri.trim().replace(/\/+$/, '');
  return text.replace(/^([A-Za-z][\w+.-]*):\/*/, (_all, scheme: string) =>
    scheme.toLowerCase() === 'file' ? '/' : `${scheme.toLowerCase()}://`,
  );
}
