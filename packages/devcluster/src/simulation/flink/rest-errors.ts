/** An answer of the simulated REST API. */
export interface RestAnswer {
  readonly status: number;
  readonly body: unknown;
}

const handlerException = 'org.apache.flink.runtime.rest.handler.RestHandlerException';

export function ok(body: unknown, status = 200): RestAnswer {
  return { status, body };
}

/** A failure that a handler announces: one text, class first. */
export function refused(status: number, message: string, cause?: string): RestAnswer {
  const tail = cause === undefined ? '' : `Caused by: ${cause}\n\t(stack trace)\n`;
  return { status, body: { errors: [`${handlerException}: ${message}\n\t(stack trace)\n${tail}`] } };
}

export function notFound(message: string, cause?: string): RestAnswer {
  const tail = cause === undefined ? '' : `Caused by: ${cause}\n\t(stack trace)\n`;
  return {
    status: 404,
    body: { errors: [`org.apache.flink.runtime.rest.NotFoundException: ${message}\n\t(stack trace)\n${tail}`] },
  };
}

/** An unexpected failure: 500 with the exception's text. */
export function internal(exception: string): RestAnswer {
  const text = `<Exception on server side:\n${exception}\n\t(stack trace)\n\nEnd of exception on server side>`;
  return { status: 500, body: { errors: ['Internal server error.', text] } };
}

export function jobNotFound(jobId: string): RestAnswer {
  return notFound(
    `Job ${jobId} not found`,
    `org.apache.flink.runtime.messages.FlinkJobNotFoundException: Could not find Flink job (${jobId})`,
  );
}

export function badParameter(what: 'path' | 'query', name: string, value: string): RestAnswer {
  const message = `Cannot resolve ${what} parameter (${name}) from value "${value}".`;
  return refused(
    400,
    `Bad request, could not parse parameters: ${message}`,
    `org.apache.flink.runtime.rest.handler.HandlerRequestException: ${message}`,
  );
}

export function badBody(type: string, cause: string): RestAnswer {
  return refused(400, `Request did not match expected format ${type}.`, cause);
}
