// A click on a row that leads somewhere.

// Whether the row itself is meant: not what can be pressed in it, nor text that is being selected.
export function meansRow(event: MouseEvent): boolean {
  return !(event.target as Element).closest('a, button') && String(getSelection() ?? '') === ''
}
