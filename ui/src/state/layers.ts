// What lies above the page, topmost last: menus, panels. Escape closes the topmost and nothing else.

type Close = () => void
const open: Close[] = []

export function pushLayer(close: Close): () => void {
  open.push(close)
  return () => {
    const place = open.lastIndexOf(close)
    if (place >= 0) open.splice(place, 1)
  }
}

export function closeTopLayer(): boolean {
  const close = open.at(-1)
  close?.()
  return close !== undefined
}
