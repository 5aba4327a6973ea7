import { SpecFormatError } from '@drey/api';
import { FlinkError } from '@drey/flink';
import { ManifestError } from '@drey/manifests';
import { CliError } from '../errors.ts';

/** Runs `build` and gives what it refuses the form of the command line; `where` says which input it was. */
export function withInputErrors<T>(where: string, build: () => T): T {
  try {
    return build();
  } catch (error) {
    if (error instanceof FlinkError || error instanceof ManifestError) {
      throw new CliError(error.code, `${where}: ${error.message}`, error.nextStep, 'invalid', error);
    }
    if (error instanceof SpecFormatError) {
      throw new CliError(
        'E_SPEC_FORMAT',
        `${where}: ${error.message}`,
        'Correct that member of the spec.',
        'invalid',
        error,
      );
    }
    throw error;
  }
}
