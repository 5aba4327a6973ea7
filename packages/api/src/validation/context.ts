/** What validation has to know that is not in the resource. Everything is injected, so that it runs anywhere. */
export interface ValidationContext {
  /**
   * The operator’s default configuration, flat, as it applies to a namespace and a Flink version. Without a version only
   * what is global and what is the namespace’s.
   */
  readonly defaults: (namespace: string, flinkVersion: string | undefined) => Readonly<Record<string, string>>;
  /** Whether Flink can derive the memory of a process from a configuration. */
  readonly memoryDefined: (
    role: 'jobmanager' | 'taskmanager',
    configuration: Readonly<Record<string, string>>,
  ) => boolean;
  /** The addresses of a host, undefined when it has none. Only asked for session jobs with a jar on http or https. */
  readonly resolveHost?: (host: string) => readonly string[] | undefined;
}

/** An option has a text that it cannot have. */
export class SettingError extends Error {
  readonly key: string;

  constructor(key: string, text: string) {
    super(`Could not parse value '${text}' for key '${key}'.`);
    this.key = key;
  }
}

/** A flat configuration with the names that options had before. */
export class Settings {
  readonly entries: Readonly<Record<string, string>>;

  constructor(entries: Readonly<Record<string, string>>) {
    this.entries = entries;
  }

  /** The text under the first of some names that is set. */
  text(...names: readonly string[]): string | undefined {
    const found = names.find((name) => Object.hasOwn(this.entries, name));
    return found === undefined ? undefined : this.entries[found];
  }

  /** A yes or no under the first of some names that is set. Throws {@link SettingError} for a text that is neither. */
  flag(fallback: boolean, ...names: readonly string[]): boolean {
    const text = this.text(...names);
    if (text === undefined) return fallback;
    const lower = text.toLowerCase();
    if (lower === 'true' || lower === 'false') return lower === 'true';
    throw new SettingError(names[0] ?? '', text);
  }

  /** `standalone` is the old word for `NONE`. */
  get highAvailabilityOn(): boolean {
    const type = this.text('high-availability.type', 'recovery.mode', 'high-availability') ?? 'NONE';
    return !['none', 'standalone'].includes(type.toLowerCase());
  }

  /** A blank one counts as none. */
  get checkpointDirectory(): string | undefined {
    return notBlank(
      this.text('execution.checkpointing.dir', 'state.checkpoints.dir', 'state.backend.fs.checkpointdir'),
    );
  }

  /** A blank one counts as none. */
  get savepointDirectory(): string | undefined {
    return notBlank(
      this.text('execution.checkpointing.savepoint-dir', 'state.savepoints.dir', 'savepoints.state.backend.fs.dir'),
    );
  }
}

function notBlank(text: string | undefined): string | undefined {
  return text?.trim() === '' ? undefined : text;
}
