// What this browser keeps for the person, by name. Storage may be forbidden: then it lasts as long as the page.
const PREFIX = 'sightline.'

export function stored(name: string): string | null {
  try {
    return localStorage.getItem(PREFIX + name)
  } catch {
    return null
  }
}

export function forget(name: string): void {
  try {
    localStorage.removeItem(PREFIX + name)
  } catch {
    // nothing to be done
  }
}

export function store(name: string, value: string): void {
  try {
    localStorage.setItem(PREFIX + name, value)
  } catch {
    // nothing to be done
  }
}
