import { type ConfigEntries, configurationWarnings, FlinkConfig, operatorOptions } from '@drey/flink';
import { Pod } from '@drey/kube';
import { DEFAULT_OPERATOR_CONFIG } from '@drey/manifests';
import { startAdmission } from '../admission/admission.ts';
import { admissionRules } from '../admission/decisions.ts';
import { changeOf } from '../configuration/changes.ts';
import { watchDirectory } from '../configuration/watch-directory.ts';
import { type OperatorFiles, readOperatorConfig } from './config-directory.ts';
import { eventRecorder } from './event-recorder.ts';
import { serveHealth } from './health.ts';
import { leadershipOf, runElected } from './leadership.ts';
import { operatorMetrics } from './metrics.ts';
import { createOperator, type Operator, type OperatorEnv, type OperatorSettings } from './operator.ts';
import { operatorPolicy } from './policy.ts';

/** Where the webhooks are served, and under which names they are called. */
export interface WebhookOptions {
  readonly port: number;
  /** Names and addresses for the certificate. */
  readonly hosts: readonly string[];
  /** Name of the webhook configurations. */
  readonly configurationName: string;
}

export interface OperatorProcessOptions {
  /** A directory that is read and watched; absent: Drey's own configuration. */
  readonly directory?: string;
  /** Namespaces to watch; absent or empty: what the configuration says. */
  readonly namespaces?: readonly string[];
  /** The namespace of this process: of its Lease, its certificate, and its events. */
  readonly namespace: string;
  /** The pod of this process; absent outside of a cluster. */
  readonly pod?: string;
  /** Unique to this process, also after a restart. */
  readonly identity: string;
  /** Serve health and metrics; absent: not. */
  readonly healthPort?: number;
  /** Serve webhooks; absent: not. */
  readonly webhooks?: WebhookOptions;
}

/** Why the process has to end. */
export type ProcessEnd = 'stopped' | 'lost' | { readonly fault: unknown };

/**
 * An operator as a process runs it: its configuration from a directory that is followed, terms of leadership where they are asked
 * for, health, and webhooks, which every replica serves. Resolves when it is over, with nothing left running. Rejects with a coded
 * error when it cannot begin.
 */
export async function runOperatorProcess(
  env: OperatorEnv,
  options: OperatorProcessOptions,
  stop: AbortSignal,
): Promise<ProcessEnd> {
  const process = new OperatorProcess(env, options);
  return process.run(stop);
}

class OperatorProcess {
  readonly #env: OperatorEnv & { readonly metrics: ReturnType<typeof operatorMetrics> };
  readonly #options: OperatorProcessOptions;
  #settings: OperatorSettings = { config: DEFAULT_OPERATOR_CONFIG };
  #operator: Operator | undefined;

  constructor(env: OperatorEnv, options: OperatorProcessOptions) {
    this.#env = { ...env, metrics: env.metrics ?? operatorMetrics() };
    this.#options = options;
  }

  async run(stop: AbortSignal): Promise<ProcessEnd> {
    const { directory, webhooks, namespace, identity } = this.#options;
    const files = directory === undefined ? undefined : await readOperatorConfig(directory);
    if (files !== undefined) this.#settings = files;
    this.#tellWarnings(this.#settings.config);
    const leadership = leadershipOf(this.#read(), { namespace, identity });
    const over = new AbortController();
    const opened: { close(): Promise<void> }[] = [];
    try {
      const healthPort = this.#healthPort();
      if (healthPort !== undefined)
        opened.push(await serveHealth(this.#served(), { port: healthPort, ...this.#inPod() }));
      if (webhooks !== undefined) opened.push(await this.#admission(webhooks));
      const following = files === undefined ? undefined : this.#follow(files, AbortSignal.any([stop, over.signal]));
      try {
        if (leadership === undefined) return await this.#alone(stop);
        const { config, logging } = this.#settings;
        const settings = { config, ...(logging === undefined ? {} : { logging }), ...this.#namespaces() };
        return await runElected(this.#env, settings, leadership, stop, (operator) => {
          this.#operator = operator;
        });
      } finally {
        over.abort();
        await following;
      }
    } finally {
      await Promise.all(opened.map((one) => one.close()));
    }
  }

  async #alone(stop: AbortSignal): Promise<ProcessEnd> {
    const { config, logging } = this.#settings;
    const operator = createOperator(this.#env, {
      config,
      ...(logging === undefined ? {} : { logging }),
      ...this.#namespaces(),
    });
    this.#operator = operator;
    const stopped = new Promise<void>((resolve) => {
      if (stop.aborted) resolve();
      else stop.addEventListener('abort', () => resolve(), { once: true });
    });
    // A fault is told by `ended`; a stop during the start is none.
    const started = operator.start().catch(() => undefined);
    await Promise.race([started, stopped]);
    const end = await Promise.race([operator.ended, stopped]);
    await operator.stop();
    return end?.kind === 'fault' ? { fault: end.error } : 'stopped';
  }

  /** A process that waits for its term is ready: it watches, and can go on at once. */
  #served(): Pick<Operator, 'ready' | 'metrics' | 'decisions'> {
    const self = this;
    const { metrics } = this.#env;
    return {
      metrics,
      get ready() {
        return self.#operator?.ready === true;
      },
      get decisions() {
        return self.#operator?.decisions ?? NO_DECISIONS;
      },
    };
  }

  async #admission({ port, hosts, configurationName }: WebhookOptions): Promise<{ close(): Promise<void> }> {
    const { namespace } = this.#options;
    let rules: { readonly of: ConfigEntries; readonly made: ReturnType<typeof admissionRules> } | undefined;
    const admission = await startAdmission(this.#env, {
      ...{ port, hosts, configurationName, namespace },
      rules: () => {
        const { config } = this.#settings;
        if (rules?.of !== config) rules = { of: config, made: admissionRules(config) };
        return rules.made;
      },
    });
    return { close: () => admission.stop() };
  }

  async #follow(files: OperatorFiles, signal: AbortSignal): Promise<void> {
    const { directory = '' } = this.#options;
    const { clock, log } = this.#env;
    if (!this.#read().get(operatorOptions.dynamicConfigEnabled)) return;
    await watchDirectory(
      {
        ...{ directory, clock, read: readOperatorConfig },
        intervalMs: () => this.#read().get(operatorOptions.dynamicConfigCheckInterval),
        changed: (next) => this.#change(next),
        failed: (error) =>
          log.error({ err: error, directory }, 'the configuration cannot be read; the one before stays'),
      },
      files,
      signal,
    );
  }

  #change(next: OperatorFiles): void {
    const { log } = this.#env;
    const { keys, atNextStart } = changeOf(this.#settings.config, next.config);
    // What only admission or the next term would stumble over is found here, too, before anything takes it.
    operatorPolicy(next.config).options.get(operatorOptions.dynamicConfigCheckInterval);
    this.#operator?.reconfigure(next);
    this.#settings = next;
    log.info({ keys }, 'the configuration changed');
    if (atNextStart.length > 0) log.warn({ keys: atNextStart }, 'these options take effect at the next start');
    this.#tellWarnings(next.config);
  }

  /** Where health is served: where the command line says, else where the configuration does. */
  #healthPort(): number | undefined {
    const options = this.#read();
    const configured = options.has(operatorOptions.healthProbePort) && options.get(operatorOptions.healthProbeEnabled);
    return this.#options.healthPort ?? (configured ? options.get(operatorOptions.healthProbePort) : undefined);
  }

  /** Probes come from outside of a pod, and from nowhere else elsewhere. */
  #inPod(): { readonly host?: string } {
    return this.#options.pod === undefined ? {} : { host: '0.0.0.0' };
  }

  #read(): FlinkConfig {
    return FlinkConfig.of(this.#settings.config);
  }

  #namespaces(): { readonly namespaces?: readonly string[] } {
    const { namespaces } = this.#options;
    return namespaces === undefined ? {} : { namespaces };
  }

  /** In the log, and as an event of the operator's pod. */
  #tellWarnings(config: ConfigEntries): void {
    const { log, kube, clock } = this.#env;
    const { namespace, pod } = this.#options;
    const warnings = configurationWarnings(config);
    for (const { key, message } of warnings) log.warn({ key }, message);
    if (warnings.length === 0 || pod === undefined) return;
    const events = eventRecorder({ kube, clock, log, signal: NEVER });
    const told = async (): Promise<void> => {
      const { metadata } = await kube.get(Pod, namespace, pod, { timeoutMs: EVENT_MS });
      const message = warnings.map((one) => one.message).join(' ');
      const regarding = { apiVersion: 'v1', kind: 'Pod', metadata } as never;
      events.send(regarding, { type: 'Warning', reason: 'ConfigurationWarning', message, component: 'Operator' });
    };
    told().catch((error: unknown) => log.debug({ err: error }, 'no event of the configuration was written'));
  }
}

const EVENT_MS = 5_000;
const NEVER = new AbortController().signal;

/** Of a process without an operator. */
const NO_DECISIONS: Operator['decisions'] = { objects: () => [], file: () => undefined };
