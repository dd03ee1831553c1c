// Where a span's duration lies among those of its operation. Data: the cells of GET /api/v1/query/heatmap in one column ->
// a distribution; no DOM.
export interface HistoryBucket {
  from: number // ns
  to: number
  spans: number
  errors: number
}

export interface History {
  buckets: HistoryBucket[] // without gaps, by duration
  spans: number
  p50: number // ns
  p95: number
  share: number // of the spans that were faster, 0 to 1
  own: number // place in `buckets`, -1 where the span lies outside
}

const OTHERS_MIN = 20 // of fewer spans a share says nothing

/** `cells`: [column, bucket, spans, errors], as the API gives them. Null where there are too few to compare with. */
export function historyOf(cells: readonly (readonly number[])[], perDoubling: number, duration: number): History | null {
  const spans = new Map<number, [number, number]>()
  let total = 0
  for (const [, bucket = 0, count = 0, errors = 0] of cells) {
    const [had, hadErrors] = spans.get(bucket) ?? [0, 0]
    spans.set(bucket, [had + count, hadErrors + errors])
    total += count
  }
  if (total < OTHERS_MIN) return null
  const first = Math.min(...spans.keys())
  const last = Math.max(...spans.keys())
  const edge = (bucket: number) => (bucket <= 0 ? 0 : 2 ** (bucket / perDoubling))
  const buckets: HistoryBucket[] = []
  for (let bucket = first; bucket <= last; bucket++) {
    const [count, errors] = spans.get(bucket) ?? [0, 0]
    buckets.push({ from: edge(bucket), to: edge(bucket + 1), spans: count, errors })
  }
  const own = buckets.findIndex((bucket) => duration >= bucket.from && duration < bucket.to)
  return { buckets, spans: total, p50: quantile(buckets, total, 0.5), p95: quantile(buckets, total, 0.95), share: shareBelow(buckets, total, duration), own }
}

function shareBelow(buckets: readonly HistoryBucket[], total: number, duration: number): number {
  let below = 0
  for (const { from, to, spans } of buckets) {
    if (duration >= to) below += spans
    else if (duration > from) below += (spans * (duration - from)) / (to - from)
  }
  return below / total
}

function quantile(buckets: readonly HistoryBucket[], total: number, share: number): number {
  let below = 0
  for (const { from, to, spans } of buckets) {
    if (below + spans >= share * total && spans > 0) return from + ((share * total - below) / spans) * (to - from)
    below += spans
  }
  return buckets.at(-1)?.to ?? 0
}

/** How the duration compares, in words. */
export function historyWords({ share }: History): string {
  if (share >= 0.995) return 'Among the slowest 1%'
  if (share >= 0.5) return `Slower than ${Math.floor(share * 100)}%`
  if (share <= 0.005) return 'Among the fastest 1%'
  return `Faster than ${Math.floor((1 - share) * 100)}%`
}
