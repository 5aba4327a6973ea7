/** Codes of the errors that building manifests can meet. */
export type ManifestErrorCode =
  | 'E_SPEC_MEMORY'
  | 'E_SPEC_RESOURCES'
  | 'E_SPEC_JAR_URI'
  | 'E_SPEC_IMAGE_PULL_POLICY'
  | 'E_SPEC_VERSION'
  | 'E_SPEC_INGRESS'
  | 'E_SPEC_STATEFUL_SET';

/** A spec that no manifest can be built from: what is wrong with it, and what to write instead. */
export class ManifestError extends Error {
  readonly code: ManifestErrorCode;
  readonly nextStep: string;

  constructor(code: ManifestErrorCode, message: string, nextStep: string) {
    super(message);
    this.name = 'ManifestError';
    this.code = code;
    this.nextStep = nextStep;
  }
}
