/** The words of legal requests, as data: a new instrument or offence is a row here and in the contracts. */

interface Instrument {
  readonly id: string
  readonly name: string
  /** It asks to keep, and discloses nothing. */
  readonly preserves: boolean
}

const instrument = (id: string, name: string, preserves = false): Instrument => ({ id, name, preserves })

/** Legal bases. Which state is bound by which is not said here: that is for the lawyers of the node. */
export const instruments: readonly Instrument[] = [
  instrument('budapest-16-29', 'Convention on Cybercrime (ETS 185), articles 16 and 29: expedited preservation', true),
  instrument('budapest-26', 'Convention on Cybercrime (ETS 185), article 26: spontaneous information'),
  instrument('budapest-31', 'Convention on Cybercrime (ETS 185), article 31: mutual assistance on stored data'),
  instrument('protocol-2-6', 'Second Additional Protocol (CETS 224), article 6: domain name registration'),
  instrument('protocol-2-7', 'Second Additional Protocol (CETS 224), article 7: subscriber information'),
  instrument('protocol-2-8', 'Second Additional Protocol (CETS 224), article 8: orders of another Party'),
  instrument('protocol-2-9', 'Second Additional Protocol (CETS 224), article 9: stored data in an emergency'),
  instrument('protocol-2-10', 'Second Additional Protocol (CETS 224), article 10: emergency mutual assistance'),
  instrument('mla', 'A treaty on mutual legal assistance, as cited'),
  instrument('eu-epoc', 'Regulation (EU) 2023/1543: European Production Order'),
  instrument('eu-epoc-pr', 'Regulation (EU) 2023/1543: European Preservation Order', true),
  instrument('domestic-order', 'An order under domestic law, as cited'),
  instrument('voluntary', 'Voluntary cooperation, as far as the law cited lets it'),
]

/** Budapest art. 29(7) has sixty days at least, Regulation (EU) 2023/1543 art. 11 the same: a hold is not shorter. */
export const preservationDays = 60

export const preservingInstruments: readonly string[] = instruments.filter((each) => each.preserves).map(({ id }) => id)

export const instrumentIds: readonly string[] = instruments.map(({ id }) => id)

/** Offences, as requests between states name them. */
export const offences = [
  'attack-on-information-systems',
  'fraud',
  'payment-fraud',
  'child-sexual-exploitation',
  'money-laundering',
  'human-trafficking',
  'migrant-smuggling',
  'drugs',
  'firearms',
  'terrorism',
  'organised-crime',
  'extortion',
  'corruption',
  'intellectual-property',
  'homicide',
  'kidnapping',
  'other',
] as const
export type Offence = (typeof offences)[number]

/** Europol's handling codes: H0 for investigations, H1 not as evidence, H2 not without the sender's leave, H3 as said in words. */
export const handlingCodes = ['H0', 'H1', 'H2', 'H3'] as const
export type HandlingCode = (typeof handlingCodes)[number]

/** From the least to the most pressing. */
export const urgencies = ['routine', 'urgent', 'emergency'] as const
export type Urgency = (typeof urgencies)[number]

/** Whether requests under this instrument ask to keep, and disclose nothing. */
export const preserves = (instrument: string): boolean => preservingInstruments.includes(instrument)
