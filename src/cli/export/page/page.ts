import { NoteError, type NoteKey, parseKey } from '../../../seal/note.ts'
import { type CheckedPackage, verifyPackage } from '../verify-package.ts'
import { type Language, languageOf, texts } from './texts.ts'

/** The page: a file and a key in, what the check found out. Everything is shown as text: what others wrote is no markup. */

const element = <T extends HTMLElement>(id: string): T => {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`the page has no ${id}`)
  return found as T
}

const language = element<HTMLSelectElement>('language')
const words = () => texts[language.value as Language]

function label(): void {
  document.documentElement.lang = language.value
  document.title = words().title
  for (const id of ['title', 'lead', 'file-label', 'key-label', 'check'] as const)
    element(id).textContent = words()[id.replace('-label', '') as 'title' | 'lead' | 'file' | 'key' | 'check']
}

async function check(): Promise<void> {
  show('', words().working)
  const file = element<HTMLInputElement>('file').files?.[0]
  if (file === undefined) return show('fault', words().noFile)
  const key = keyFrom(element<HTMLInputElement>('key').value)
  if (key === undefined) return
  let bytes: Uint8Array
  try {
    bytes = new Uint8Array(await file.arrayBuffer())
  } catch (error) {
    return show('fault', `${words().unread}: ${error instanceof Error ? error.message : String(error)}`)
  }
  tell(await verifyPackage(bytes, key))
}

function keyFrom(text: string): NoteKey | undefined {
  try {
    return parseKey(text)
  } catch (error) {
    if (!(error instanceof NoteError)) throw error
    show('fault', `${words().badKey}: ${error.message}`)
    return undefined
  }
}

function tell(checked: CheckedPackage): void {
  const { faults } = checked
  show(faults.length === 0 ? 'holds' : 'fault', faults.length === 0 ? words().holds : words().fails)
  element('faults').replaceChildren(...faults.map(({ where, what }) => line('li', `${where}: ${what}`)))
  // Of a package that does not hold nothing is repeated as if it were known.
  const known = (['caseReference', 'request', 'items', 'sha256'] as const).filter(
    (name) => faults.length === 0 || name === 'sha256',
  )
  element('facts').replaceChildren(
    ...known.flatMap((name) => [line('dt', words().facts[name]), line('dd', String(checked[name] ?? ''))]),
  )
}

function show(state: string, text: string): void {
  const result = element('result')
  result.className = state
  result.textContent = text
  for (const id of ['faults', 'facts']) element(id).replaceChildren()
}

function line(tag: string, text: string): HTMLElement {
  const made = document.createElement(tag)
  made.textContent = text
  return made
}

language.value = languageOf(navigator.languages)
language.addEventListener('change', label)
element('form').addEventListener('submit', (event) => {
  event.preventDefault()
  check().catch((error: unknown) => show('fault', String(error)))
})
label()
