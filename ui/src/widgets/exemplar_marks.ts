// Exemplars of a metric as marks over the chart of its series, each a link to its trace.
import type { MetricExemplars } from '../api/types'
import { serviceLabel } from '../base/routes'
import { valueFormat } from '../base/series_units'
import { formatDateTime, nanoToMs, type Zone } from '../base/time'
import type { ChartMark } from './chart_marks'

export interface MarkedSeries {
  color: string // a custom property
  labels: Readonly<Record<string, string>>
}

type OneExemplar = MetricExemplars['exemplars'][number]

// Whether a measurement may be of the series. What its labels do not have may stand in its resource, which is not known.
function isOf({ service, labels }: OneExemplar, series: MarkedSeries): boolean {
  return Object.entries(series.labels).every(([key, value]) => (key === 'service.name' ? service : (labels[key] ?? value)) === value)
}

const TIP_LABELS_MOST = 6

export interface MarkOptions {
  atFoot: boolean // a step's value is not one of measurements, such as a rate
  series: readonly MarkedSeries[] // that marks take their colour of
  only: MarkedSeries | null // the series that is alone
  zone: Zone
  link: (traceId: string, spanId: string) => string
}

export function exemplarMarks(answer: MetricExemplars, { atFoot, series, only, zone, link }: MarkOptions): ChartMark[] {
  const { format } = valueFormat(answer.unit)
  return answer.exemplars
    .filter((exemplar) => only === null || isOf(exemplar, only))
    .map((exemplar) => {
      const title = formatDateTime(exemplar.time_unix_nano, zone)
      const labels = Object.entries({ ...exemplar.labels, ...exemplar.attributes }).filter(([key]) => key !== 'service.name')
      const rows = [
        { name: 'Value', text: format(exemplar.value) },
        { name: 'Service', text: serviceLabel(exemplar.service) },
        { name: 'Trace', text: exemplar.is_stored ? exemplar.trace_id.slice(0, 8) : `${exemplar.trace_id.slice(0, 8)}, not stored` },
        ...labels.slice(0, TIP_LABELS_MOST).map(([name, text]) => ({ name, text })),
      ]
      return {
        ms: nanoToMs(exemplar.time_unix_nano),
        value: atFoot ? null : exemplar.value,
        color: series.find((one) => isOf(exemplar, one))?.color ?? '--accent',
        href: exemplar.is_stored ? link(exemplar.trace_id, exemplar.span_id) : '',
        label: [title, ...rows.map(({ name, text }) => `${name} ${text}`)].join(', '),
        title,
        rows,
      }
    })
}
