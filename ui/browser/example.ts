// The example service's traffic, as `./dev run` sends it.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Sightline } from './harness'

const SCRIPT = join(import.meta.dirname, '../../e2e/example_traffic.py')

export async function exampleTraffic(
  sightline: Sightline,
  { requests, pastMinutes, seed }: { requests: number; pastMinutes: number; seed: number },
): Promise<void> {
  const options = { '--requests': requests, '--past': pastMinutes, '--seed': seed }
  await promisify(execFile)('python3', [
    SCRIPT, '--endpoint', sightline.otlpUrl, '--wait-for', sightline.url,
    ...Object.entries(options).flatMap(([name, value]) => [name, String(value)]),
  ]) // prettier-ignore
}
