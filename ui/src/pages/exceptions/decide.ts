// Decisions about groups of exceptions: sent, told, and taken back on wish.
import { api } from '../../api/client'
import { toFailure } from '../../api/failure'
import type { ExceptionGroup, NewExceptionDecision } from '../../api/types'
import { toasts } from '../../state/toasts.svelte'
import { doneText, undoOf } from './exception_view'

// `refresh`: asks for the list again, also where somebody else was faster. Whether it was done.
export async function decide(group: ExceptionGroup, wanted: Omit<NewExceptionDecision, 'version'>, refresh: () => void): Promise<boolean> {
  const send = async (decision: NewExceptionDecision, done: (version: number) => void) => {
    try {
      const made = await api.decideException(group.id, decision)
      done(made.version)
      return true
    } catch (error) {
      toasts.show(toFailure(error).message, { tone: 'error' })
      return false
    } finally {
      refresh()
    }
  }
  return send({ ...wanted, version: group.decision?.version ?? 0 }, (version) => {
    const undo = undoOf(group.decision, version)
    toasts.show(doneText(wanted.state, group.type), { action: { label: 'Undo', run: () => void send(undo, () => {}) } })
  })
}
