/** What an image stands for on a process node. */
export type ResolvedImage =
  | { readonly kind: 'flink'; readonly distribution: FlinkDistribution; readonly usrlib: string | undefined }
  /** The host's own programs, for shell containers. */
  | { readonly kind: 'host' };

/** A Flink distribution on this machine. */
export interface FlinkDistribution {
  readonly version: string;
  /** Holds bin, conf, lib, opt, plugins. */
  readonly home: string;
  readonly javaHome: string;
  readonly javaMajor: number;
  /** Class-data archives for this very distribution and Java, by process. */
  readonly archives: { readonly jobmanager?: string; readonly taskmanager?: string };
  /** Files that the JVMs are to write such archives to when they end. */
  readonly record?: { readonly jobmanager: string; readonly taskmanager: string };
}

/** What an image name is mapped to by the user. */
export interface ImageMapping {
  /** `flink:1.20`, or `host` for the machine's own programs. */
  readonly as: string;
  /** A local directory to be seen as /opt/flink/usrlib. */
  readonly usrlib?: string;
}

export interface ImageOptions {
  /** By image name as written in pods; `*` stands for any text. The first match counts. */
  readonly mappings: Readonly<Record<string, ImageMapping>>;
  /** The newest installed distribution whose version starts with `version` (`''`: any). */
  findDistribution(version: string): Promise<FlinkDistribution | undefined>;
}

export type ImageOutcome =
  | { readonly ok: true; readonly image: ResolvedImage; readonly imageId: string }
  | { readonly ok: false; readonly message: string };

const FLINK_REPOSITORIES = new Set(['flink', 'apache/flink', 'library/flink']);
const HOST_REPOSITORIES = new Set(
  ['busybox', 'alpine', 'debian', 'ubuntu', 'bash', 'curlimages/curl', 'node', 'python'].flatMap((name) => [
    name,
    `library/${name}`,
  ]),
);

/** Finds what stands for an image. A failure says how to map the image, and never leaves this machine to look for it. */
export async function resolveImage(image: string, options: ImageOptions): Promise<ImageOutcome> {
  const mapping = Object.entries(options.mappings).find(([pattern]) => matches(pattern, image))?.[1];
  const name = parseImage(mapping?.as ?? image);
  if (mapping?.as === 'host' || HOST_REPOSITORIES.has(name.repository)) {
    return { ok: true, image: { kind: 'host' }, imageId: 'drey://host' };
  }
  if (!FLINK_REPOSITORIES.has(name.repository)) return { ok: false, message: unknownImage(image) };
  const version = flinkVersionOf(name.tag);
  if (version === undefined) {
    return { ok: false, message: `E_IMAGE_TAG: "${image}" names no Flink version. Use a tag such as flink:1.20.` };
  }
  const distribution = await options.findDistribution(version);
  if (distribution === undefined) {
    const wanted = version === '' ? '1.20' : version;
    return {
      ok: false,
      message: `E_FLINK_NOT_INSTALLED: "${image}" needs Flink ${wanted}, which is not on this machine. Run: drey flink install ${wanted}`,
    };
  }
  return {
    ok: true,
    image: { kind: 'flink', distribution, usrlib: mapping?.usrlib },
    imageId: `drey://flink@${distribution.version}`,
  };
}

function unknownImage(image: string): string {
  return (
    `E_IMAGE_UNKNOWN: no image "${image}" on this node, which runs programs of this machine and pulls nothing. ` +
    `Map it to a Flink distribution or to the machine's own programs, for example: drey up --image '${image}=flink:1.20'`
  );
}

/** `1.20.5-scala_2.12-java17` → `1.20.5`; `latest` and no tag → '' (any version). */
function flinkVersionOf(tag: string): string | undefined {
  const text = tag.replace(/^(scala_[\d.]+|java\d+)(-|$)/, '');
  if (text === '' || text === 'latest' || /^(scala_|java)/.test(text)) return '';
  return /^(\d+(?:\.\d+){0,2})(?:-|$)/.exec(text)?.[1];
}

function parseImage(image: string): { repository: string; tag: string } {
  const [withoutDigest = ''] = image.split('@');
  const slash = withoutDigest.lastIndexOf('/');
  const colon = withoutDigest.indexOf(':', slash + 1);
  const path = colon < 0 ? withoutDigest : withoutDigest.slice(0, colon);
  const tag = colon < 0 ? '' : withoutDigest.slice(colon + 1);
  return { repository: path.replace(/^(?:docker\.io|index\.docker\.io|ghcr\.io|public\.ecr\.aws\/docker)\//, ''), tag };
}

function matches(pattern: string, image: string): boolean {
  const source = pattern
    .split('*')
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');
  return new RegExp(`^${source}$`).test(image);
}
