import type { KeyObject } from 'node:crypto';
import type { Clock, Random } from '@drey/kube';
import { defaultTolerationSeconds, namespaceProtection, priority } from '../admission/builtin-plugins.ts';
import { type AdmissionPlugin, admissionChain } from '../admission/chain.ts';
import { rbacEscalation } from '../admission/rbac-escalation.ts';
import { serviceAccount } from '../admission/service-account.ts';
import { httpsWebhookCaller, type WebhookCaller } from '../admission/webhooks/caller.ts';
import { mutatingWebhooks, validatingWebhooks } from '../admission/webhooks/plugin.ts';
import {
  type Authentication,
  createAuthentication,
  createTokenAuthentication,
  type StaticToken,
} from '../auth/authentication.ts';
import { createRbac, type Rbac, rbacAuthorizer } from '../auth/rbac.ts';
import { reviewHandlers } from '../auth/reviews.ts';
import { tokenRequestHandler } from '../auth/token-request.ts';
import { SERVICE_ACCOUNT_ISSUER, type ServiceAccountTokens, serviceAccountTokens } from '../auth/tokens.ts';
import type { ApiRequest, NodeBackend } from '../contract.ts';
import { createNonResourceHandler } from '../discovery/handler.ts';
import type { VirtualResources } from '../model.ts';
import { decodeProtobuf } from '../protobuf/decode.ts';
import { type ApiServer, createApiServer, type ServerParts, type ServerPlugins } from '../server.ts';
import type { ObjectStore } from '../storage/index.ts';
import { connectHandlers } from '../subresources/handlers.ts';
import { renderTable } from '../table/renderer.ts';
import { generateUid } from '../verbs/identity.ts';
import { bootstrapObjects, createMissing } from './bootstrap.ts';
import { startStoreControllers } from './store-controllers.ts';

export interface StandardServerOptions {
  /** The server closes it. */
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  /** Signs service account tokens. */
  readonly tokenKey: KeyObject;
  readonly tokens: readonly StaticToken[];
  /** Requests without credentials are `system:anonymous`. */
  readonly anonymous: boolean;
  /** Whether pods get a service account and its token. */
  readonly serviceAccountAdmission: boolean;
  /** Whether the usual roles are made; default: yes. */
  readonly roles?: boolean;
  /** What runs the pods of a node, by the node's name. Asked anew for every call. */
  readonly backendOf?: (nodeName: string) => NodeBackend | undefined;
  /** Host and port that discovery names. */
  readonly serverAddress?: () => string;
  readonly serviceCidr?: string;
  readonly metrics?: () => string;
  /** How admission webhooks are called; default: over TLS. */
  readonly callWebhook?: WebhookCaller;
  readonly onFault?: (error: unknown, request: ApiRequest) => void;
  /** Hears of passes of the garbage collector and the namespace controller that failed; they are tried again. */
  readonly onControllerFailure?: (what: string, error: unknown) => void;
}

export interface StandardServer {
  readonly server: ApiServer;
  readonly authentication: Authentication;
  /** For nodes, which put tokens into the volumes of pods. */
  readonly serviceAccounts: ServiceAccountTokens;
  /** Stops the controllers, then closes the server and its store. */
  stop(): Promise<void>;
}

/**
 * The API server with everything a real one has beside storage: authentication, RBAC, admission, discovery, tables,
 * reviews and the subresources of pods; and the garbage collector and the namespace controller, which read its store. Creates the namespaces, roles and priority classes of a new cluster where they are
 * missing, and resolves when they are there.
 */
export async function createStandardServer(options: StandardServerOptions): Promise<StandardServer> {
  const made: { access?: Access } = {};
  const server = createApiServer({
    store: options.store,
    clock: options.clock,
    random: options.random,
    plugins: (parts) => {
      const access = createAccess(options, parts);
      made.access = access;
      return standardPlugins(options, parts, access);
    },
    ...(options.serviceCidr === undefined ? {} : { serviceCidr: options.serviceCidr }),
    ...(options.onFault === undefined ? {} : { onFault: options.onFault }),
  });
  const { access } = made;
  if (access === undefined) throw new Error('the server did not make its plugins');
  await createMissing(server.handle, bootstrapObjects({ roles: options.roles ?? true }));
  const authentication = createAuthentication({ ...options, ...access });
  const { clock, random, onControllerFailure: failed } = options;
  const stopControllers = startStoreControllers({ server, clock, random, ...(failed === undefined ? {} : { failed }) });
  return {
    server,
    authentication,
    serviceAccounts: access.serviceAccounts,
    async stop() {
      await stopControllers();
      server.close();
    },
  };
}

interface Access {
  readonly rbac: Rbac;
  readonly serviceAccounts: ServiceAccountTokens;
}

function createAccess(options: StandardServerOptions, { reader, random }: ServerParts): Access {
  const serviceAccounts = serviceAccountTokens({
    key: options.tokenKey,
    objects: reader,
    clock: options.clock,
    newUid: () => generateUid(random),
  });
  return { rbac: createRbac(reader), serviceAccounts };
}

function standardPlugins(options: StandardServerOptions, parts: ServerParts, access: Access): ServerPlugins {
  const { rbac, serviceAccounts } = access;
  return {
    authorizer: rbacAuthorizer(rbac),
    admission: admissionChain(admissionPlugins(options, parts, access)),
    renderTable,
    decodeProtobuf,
    virtual: virtualResources(options, parts, access),
    nonResource: createNonResourceHandler({
      registry: parts.registry,
      objects: parts.reader,
      serverAddress: options.serverAddress ?? (() => ''),
      serviceAccounts: { issuer: SERVICE_ACCOUNT_ISSUER, jwks: serviceAccounts.jwks },
      ...(options.metrics === undefined ? {} : { metrics: options.metrics }),
    }),
  };
}

function admissionPlugins(options: StandardServerOptions, parts: ServerParts, access: Access): AdmissionPlugin[] {
  const { reader: objects, random } = parts;
  const webhooks = { objects, random, call: options.callWebhook ?? httpsWebhookCaller(objects, parts.clock) };
  return [
    namespaceProtection,
    rbacEscalation(access.rbac),
    ...(options.serviceAccountAdmission ? [serviceAccount({ objects, random, clock: parts.clock })] : []),
    priority(objects),
    defaultTolerationSeconds,
    mutatingWebhooks(webhooks),
    validatingWebhooks(webhooks),
  ];
}

function virtualResources(options: StandardServerOptions, parts: ServerParts, access: Access): VirtualResources {
  const { clock, reader: objects } = parts;
  const { rbac, serviceAccounts } = access;
  const authenticate = createTokenAuthentication({ tokens: options.tokens, serviceAccounts });
  const reviews = reviewHandlers({ rbac, authenticate, clock });
  const tokenRequest = tokenRequestHandler(serviceAccounts, objects, clock);
  const connections = connectHandlers({ objects, backendOf: options.backendOf ?? (() => undefined) }, clock);
  return {
    connect: (group, plural, subresource) => (group === '' ? connections[`${plural}/${subresource}`] : undefined),
    create: (group, plural, subresource) => {
      if (group === '') return plural === 'serviceaccounts' && subresource === 'token' ? tokenRequest : undefined;
      const isReview = group === 'authentication.k8s.io' || group === 'authorization.k8s.io';
      return isReview && subresource === undefined ? reviews[plural] : undefined;
    },
  };
}
