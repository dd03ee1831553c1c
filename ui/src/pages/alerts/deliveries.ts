// Deliveries in words. Knows no DOM.
import type { Delivery } from '../../api/alert_types'

// What the receiver said, or why nothing came back.
export function answerWords({ http_status, smtp_status, error, answer, status }: Pick<Delivery, 'http_status' | 'smtp_status' | 'error' | 'answer' | 'status'>): string {
  const code = http_status ? `HTTP ${http_status}` : smtp_status ? `SMTP ${smtp_status}` : ''
  const said = error || (answer.split('\n')[0] ?? '').slice(0, 200)
  const words = [code, said].filter((part, i) => part !== '' && (i === 0 || part !== code)).join(', ')
  return words || (status === 'waiting' ? 'not tried yet' : 'no answer')
}
