// Everything that can go wrong with a question, as one thing the screens can show.
import type { components } from './schema'

export type ErrorCode = components['schemas']['ErrorBody']['error']['code']

export type SampledOut = NonNullable<components['schemas']['ErrorBody']['error']['sampled_out']>

export class ApiFailure extends Error {
  constructor(
    readonly code: ErrorCode | 'NO_ANSWER',
    message: string,
    readonly where: string | null = null,
    readonly hint: string | null = null,
    readonly status = 0,
    readonly sampledOut: SampledOut | null = null,
  ) {
    super(message)
    this.name = 'ApiFailure'
  }

  // The server could not be reached at all, or is just starting or stopping.
  get disconnected(): boolean {
    return this.code === 'NO_ANSWER'
  }
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError'
}

export function toFailure(error: unknown): ApiFailure {
  if (error instanceof ApiFailure) return error
  const message = error instanceof Error ? error.message : String(error)
  return new ApiFailure('INTERNAL', message, null, 'This is a fault of the page itself; reload it.')
}

// From an answer that was not the wanted one. `body` may be anything a proxy made up.
export function failureOf(status: number, body: unknown): ApiFailure {
  const error = (body as { error?: { code?: ErrorCode; message?: string; where?: string | null; hint?: string | null; sampled_out?: SampledOut } } | null)?.error
  if (error?.code && error.message !== undefined) {
    return new ApiFailure(error.code, error.message, error.where ?? null, error.hint ?? null, status, error.sampled_out ?? null)
  }
  if (status === 502 || status === 503 || status === 504) return noAnswer()
  return new ApiFailure('INTERNAL', `The server answered with status ${status}`, null, null, status)
}

export function noAnswer(): ApiFailure {
  return new ApiFailure('NO_ANSWER', 'Sightline does not answer', null, 'It is stopped or cannot be reached. This page tries again by itself.')
}
