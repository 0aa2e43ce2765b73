import type { Shell } from '../shell.ts'

/** Who tells the demo: to a terminal with bold and dim text, to a pipe without, to nobody when a machine reads. */
export interface Narrator {
  heading(text: string): void
  line(text: string): void
  /** What could be typed or was sent. */
  code(text: string): void
}

export function narratorFor(shell: Shell): Narrator {
  const painted = shell.terminal.out && shell.config.colour
  const paint = (code: number, text: string) => (painted ? `\u001b[${code}m${text}\u001b[0m` : text)
  return {
    heading: (text) => shell.print(`\n${paint(1, text)}`),
    line: (text) => shell.print(`  ${text}`),
    code: (text) => shell.print(`  ${paint(2, text)}`),
  }
}

export const silent: Narrator = { heading: () => {}, line: () => {}, code: () => {} }
