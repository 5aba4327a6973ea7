import type {
  CheckpointRecord,
  ExceptionRecord,
  JobEnvironment,
  JobSpec,
  JobState,
  VertexBounds,
} from './job-records.ts';
import { directoryOf } from './snapshot-directory.ts';
import type { Snapshot } from './storage.ts';
import { draw } from './timings.ts';

const terminal: readonly JobState[] = ['FAILED', 'CANCELED', 'FINISHED'];
const checkpointsKept = 10;

/**
 * One job of a simulated JobManager: its states, checkpoints, savepoints and failures over (virtual) time. It runs only while
 * its process lives; what it leaves behind is in the storage and in the high-availability records.
 */
export class SimulatedJob {
  readonly spec: JobSpec;
  readonly startedAt: number;
  readonly stateSince: Partial<Record<JobState, number>> = {};
  /** Newest first, at most ten, as `web.checkpoints.history` has it. */
  readonly checkpoints: CheckpointRecord[] = [];
  latestCheckpoint: CheckpointRecord | undefined;
  latestSavepoint: CheckpointRecord | undefined;
  latestFailed: CheckpointRecord | undefined;
  readonly exceptions: ExceptionRecord[] = [];
  state: JobState = 'INITIALIZING';
  endedAt = -1;
  tasksRunningSince: number | undefined;
  restored: { readonly snapshot: Snapshot; readonly at: number; readonly id: number } | undefined;
  restarts = 0;
  failure: string | undefined;
  parallelism: number;
  /** What its resource requirements ask for at most. */
  wantedParallelism: number;
  #env: JobEnvironment;
  #lineage: string;
  #base = 0;
  #nextCheckpointId = 1;
  #run = 0;
  /** A stop-with-savepoint suspends periodic checkpoints. */
  #stopping = false;

  constructor(spec: JobSpec, env: JobEnvironment) {
    this.spec = spec;
    this.#env = env;
    this.parallelism = spec.parallelism;
    this.wantedParallelism = spec.parallelism;
    this.requirements = spec.vertices ?? new Map();
    this.startedAt = env.timers.now();
    this.#lineage = `${env.process}/${spec.jobId}`;
    this.#enter('INITIALIZING');
    env.timers.after(draw(env.random, env.timings.initializeMs), () => this.#initialize());
  }

  get isTerminal(): boolean {
    return terminal.includes(this.state);
  }

  /** Milliseconds of processing since empty state. */
  get position(): number {
    return this.#base + (this.tasksRunningSince === undefined ? 0 : this.#env.timers.now() - this.tasksRunningSince);
  }

  /** Tells the job that slots came or went. */
  slotsChanged(): void {
    if (this.state === 'CREATED' || (this.state === 'RUNNING' && this.tasksRunningSince === undefined))
      this.#tryDeploy();
    else if (this.spec.adaptive && this.#target() !== this.parallelism) this.#adaptLater();
  }

  /** A TaskManager with tasks of this job is gone. */
  lostTaskManager(id: string, endpoint: string): void {
    if (this.isTerminal || this.tasksRunningSince === undefined) return;
    const run = this.#run;
    this.#env.timers.after(draw(this.#env.random, this.#env.timings.lossSeenMs), () => {
      if (run === this.#run && !this.isTerminal) this.#taskFailure(id, endpoint);
    });
  }

  /** A failure of user code in a task: restarts with checkpointing, ends the job without. */
  failTask(message: string): void {
    if (!this.isTerminal && this.tasksRunningSince !== undefined)
      this.#fail('java.lang.RuntimeException', message, undefined, undefined);
  }

  /** Cancels; the state is CANCELED a little later. */
  cancel(): void {
    if (this.isTerminal || this.state === 'CANCELLING') return;
    this.#pause();
    this.#enter('CANCELLING');
    this.#env.timers.after(draw(this.#env.random, this.#env.timings.stopMs), () => {
      if (this.state === 'CANCELLING') this.#end('CANCELED');
    });
  }

  /** Starts a checkpoint or savepoint; calls back once with its outcome. */
  snapshot(
    what: { savepoint: boolean; stop: boolean; directory: string | undefined },
    done: (outcome: { path: string; checkpointId: number } | { error: string }) => void,
  ): void {
    const { timers, random, timings } = this.#env;
    if (this.tasksRunningSince === undefined || this.state !== 'RUNNING') {
      done({
        error:
          'org.apache.flink.runtime.checkpoint.CheckpointException: Checkpoint triggering task of job is not being executed at the moment. Aborting checkpoint.',
      });
      return;
    }
    const record: CheckpointRecord = {
      id: this.#nextCheckpointId++,
      savepoint: what.savepoint,
      stop: what.stop,
      triggeredAt: timers.now(),
      status: 'IN_PROGRESS',
      endedAt: 0,
      path: undefined,
      failure: undefined,
    };
    this.checkpoints.unshift(record);
    this.checkpoints.length = Math.min(this.checkpoints.length, checkpointsKept);
    if (what.stop) this.#stopping = true;
    const run = this.#run;
    timers.after(draw(random, what.savepoint ? timings.savepointMs : timings.checkpointMs), () => {
      record.endedAt = timers.now();
      if (run !== this.#run || this.state !== 'RUNNING')
        return this.#declined(record, 'The job is not running any more.', done);
      const path = directoryOf(record, this.spec.jobId, what.directory, random);
      if (path !== undefined && !this.#env.storage.isWritable(path)) {
        return this.#declined(record, `java.io.IOException: Failed to create directory: ${path}`, done);
      }
      this.#complete(record, path);
      const tell = (): void =>
        done({ path: path ?? '<checkpoint-not-externally-addressable>', checkpointId: record.id });
      if (what.stop) this.#stopAfterSavepoint(tell);
      else tell();
    });
  }

  /** Called when the process dies: the run ends where it was. */
  abandon(): void {
    if (!this.isTerminal) this.#recordEnd(this.state);
  }

  /** Ends the job for good, as when its restart strategy has given up. */
  failForGood(message: string): void {
    if (this.isTerminal || this.tasksRunningSince === undefined) return;
    const name = 'org.apache.flink.runtime.JobException';
    this.#pause();
    this.#enterFailed(name, `Recovery is suppressed by FixedDelayRestartBackoffTimeStrategy\n${message}`);
  }

  /** Bounds that were asked for by vertex; empty: of all vertices those of the job. */
  requirements: ReadonlyMap<string, VertexBounds>;

  /** Adaptive scheduler: new parallelism by resource requirements, effective when there are slots, after the scaling interval. */
  rescale(parallelism: number): void {
    this.wantedParallelism = parallelism;
    this.#env.onRequirement();
    this.#adaptLater();
  }

  #adaptLater(): void {
    this.#env.timers.after(draw(this.#env.random, this.#env.timings.rescaleMs), () => this.#adapt());
  }

  /** As many as it wants and there are; in reactive mode all there are. */
  #target(): number {
    const slots = this.#env.slots();
    return this.spec.reactive ? slots : Math.min(this.wantedParallelism, slots);
  }

  #adapt(): void {
    const target = this.#target();
    if (this.isTerminal || this.state === 'CANCELLING' || target < 1 || this.parallelism === target) return;
    if (this.tasksRunningSince !== undefined) {
      this.#pause();
      this.#rewind();
      this.#enter('CREATED');
    }
    const isLess = target < this.parallelism;
    this.parallelism = target;
    this.#tryDeploy();
    if (isLess) this.#env.onSlotsFreed();
  }

  #initialize(): void {
    if (this.isTerminal || this.state === 'CANCELLING') return;
    const ha = this.#env.haCheckpoint(this.spec.jobId);
    const from = ha ?? this.spec.savepointPath;
    if (from !== undefined) {
      const snapshot = this.#env.storage.find(from);
      if (snapshot === undefined) {
        const cause = `java.io.FileNotFoundException: Cannot find checkpoint or savepoint file/directory '${from}' on file system 'file'.`;
        this.#enterFailed(
          'org.apache.flink.runtime.client.JobInitializationException',
          `Could not start the JobMaster.\n\t(stack trace)\nCaused by: ${cause}`,
        );
        return;
      }
      this.#restore(snapshot);
    }
    this.#record('started', snapshotPath(this.restored));
    this.#enter('CREATED');
    if (!this.spec.adaptive) this.#enter('RUNNING');
    this.#tryDeploy();
  }

  #restore(snapshot: Snapshot): void {
    this.#lineage = snapshot.lineage;
    this.#base = snapshot.position;
    const id = snapshot.jobId === this.spec.jobId ? snapshot.checkpointId : 0;
    this.#nextCheckpointId = Math.max(this.#nextCheckpointId, snapshot.checkpointId + 1);
    this.restored = { snapshot, at: this.#env.timers.now(), id };
  }

  #tryDeploy(): void {
    if (this.spec.reactive && this.tasksRunningSince === undefined) this.parallelism = Math.max(1, this.#env.slots());
    if (this.tasksRunningSince !== undefined || this.#env.slots() < this.parallelism) return;
    const run = ++this.#run;
    this.#env.timers.after(draw(this.#env.random, this.#env.timings.deployMs), () => {
      if (run !== this.#run || this.isTerminal || this.state === 'CANCELLING') return;
      if (this.#env.slots() < this.parallelism) return;
      this.tasksRunningSince = this.#env.timers.now();
      if (this.state !== 'RUNNING') this.#enter('RUNNING');
      this.#armCheckpoint(run);
      this.#armFinish(run);
      // Slots that came while the tasks were being deployed.
      if (this.spec.adaptive && this.#target() !== this.parallelism) this.#adaptLater();
    });
  }

  #armFinish(run: number): void {
    const { finishAfterMs } = this.spec;
    if (finishAfterMs === undefined) return;
    this.#env.timers.after(Math.max(0, finishAfterMs - this.position), () => {
      if (run === this.#run && this.state === 'RUNNING') this.#end('FINISHED');
    });
  }

  #armCheckpoint(run: number): void {
    const interval = this.spec.checkpointIntervalMs;
    if (interval === undefined) return;
    this.#env.timers.after(interval, () => {
      if (run !== this.#run || this.state !== 'RUNNING') return;
      if (!this.#stopping)
        this.snapshot({ savepoint: false, stop: false, directory: this.spec.checkpointDir }, () => undefined);
      this.#armCheckpoint(run);
    });
  }

  #taskFailure(id: string, endpoint: string): void {
    const message = `TaskManager with id ${id} is no longer reachable.`;
    this.#fail('org.apache.flink.runtime.jobmaster.JobMasterException', message, endpoint, id);
  }

  #fail(name: string, message: string, endpoint: string | undefined, taskManagerId: string | undefined): void {
    this.exceptions.unshift({
      name,
      stack: `${name}: ${message}\n\t(stack trace)\n`,
      at: this.#env.timers.now(),
      task: 'Source: Events Generator Source (1/1)',
      endpoint,
      taskManagerId,
    });
    this.#pause();
    if (this.spec.checkpointIntervalMs === undefined) {
      this.#enterFailed(
        'org.apache.flink.runtime.JobException',
        `Recovery is suppressed by NoRestartBackoffTimeStrategy\n\t(stack trace)\nCaused by: ${name}: ${message}`,
      );
      return;
    }
    this.restarts++;
    this.#rewind();
    this.#enter('RESTARTING');
    this.#env.timers.after(draw(this.#env.random, this.#env.timings.restartMs), () => {
      if (this.state !== 'RESTARTING') return;
      this.#enter(this.spec.adaptive ? 'CREATED' : 'RUNNING');
      this.#tryDeploy();
    });
  }

  /** Back to the newest completed checkpoint, never to a savepoint; else to what the job started from. */
  #rewind(): void {
    const path = this.latestCheckpoint?.path;
    const snapshot = path === undefined ? this.restored?.snapshot : this.#env.storage.find(path);
    this.#base = snapshot?.position ?? 0;
    if (snapshot) this.restored = { snapshot, at: this.#env.timers.now(), id: snapshot.checkpointId };
  }

  #pause(): void {
    this.#base = this.position;
    this.tasksRunningSince = undefined;
    this.#run++;
  }

  #complete(record: CheckpointRecord, path: string | undefined): void {
    record.status = 'COMPLETED';
    record.path = path;
    if (record.savepoint) this.latestSavepoint = record;
    else this.latestCheckpoint = record;
    if (path === undefined) return;
    this.#env.storage.put({
      path,
      kind: record.savepoint ? 'savepoint' : 'checkpoint',
      jobId: this.spec.jobId,
      checkpointId: record.id,
      lineage: this.#lineage,
      position: this.position,
      completedAt: this.#env.timers.now(),
    });
    // A savepoint belongs to its user, who may delete it: since Flink 1.15 no job recovers from one taken meanwhile.
    if (record.savepoint) return;
    this.#env.recordHaCheckpoint(this.spec.jobId, record.id, path);
    this.#subsume(record.id);
  }

  /** `state.checkpoints.num-retained` is 1: an older checkpoint goes when a newer one is complete. */
  #subsume(newest: number): void {
    for (const one of this.checkpoints) {
      if (one.id < newest && !one.savepoint && one.path !== undefined) this.#env.storage.remove(one.path);
    }
  }

  #declined(record: CheckpointRecord, why: string, done: (outcome: { error: string }) => void): void {
    record.status = 'FAILED';
    record.failure = why;
    this.latestFailed = record;
    if (record.stop) this.#stopping = false;
    done({
      error: `org.apache.flink.runtime.checkpoint.CheckpointException: Failure to finalize checkpoint.\n\t(stack trace)\nCaused by: ${why}`,
    });
  }

  /** A stop is told to be complete only when the job has ended. */
  #stopAfterSavepoint(tell: () => void): void {
    this.#pause();
    this.#env.timers.after(draw(this.#env.random, this.#env.timings.stopMs), () => {
      if (!this.isTerminal) this.#end('FINISHED');
      tell();
    });
  }

  #enterFailed(name: string, message: string): void {
    this.failure = `${name}: ${message}`;
    if (this.exceptions.length === 0)
      this.exceptions.unshift({
        name,
        stack: `${name}: ${message}\n\t(stack trace)\n`,
        at: this.#env.timers.now(),
        task: undefined,
        endpoint: undefined,
        taskManagerId: undefined,
      });
    this.#end('FAILED');
  }

  #end(state: JobState): void {
    this.#pause();
    this.endedAt = this.#env.timers.now();
    this.#recordEnd(state);
    this.#enter(state);
    const dropCheckpoints = state === 'FINISHED' || (state === 'CANCELED' && !this.spec.retainOnCancellation);
    if (dropCheckpoints)
      for (const one of this.checkpoints)
        if (!one.savepoint && one.path !== undefined) this.#env.storage.remove(one.path);
    this.#env.onTerminal(this);
  }

  #enter(state: JobState): void {
    this.state = state;
    this.stateSince[state] = this.#env.timers.now();
  }

  #record(type: 'started', restoredFrom: string | undefined): void {
    const { storage, timers, clusterId, process } = this.#env;
    storage.record({
      type,
      at: timers.now(),
      clusterId,
      process,
      jobId: this.spec.jobId,
      restoredFrom,
      lineage: this.#lineage,
      position: this.#base,
    });
  }

  #recordEnd(state: string): void {
    const { storage, timers, clusterId, process } = this.#env;
    storage.record({
      type: 'ended',
      at: timers.now(),
      clusterId,
      process,
      jobId: this.spec.jobId,
      state,
      position: this.position,
    });
  }
}

function snapshotPath(restored: { readonly snapshot: Snapshot } | undefined): string | undefined {
  return restored?.snapshot.path;
}
