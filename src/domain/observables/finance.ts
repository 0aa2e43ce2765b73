import { parseAccountNumber, parseBic, parseCardNumber, parseIban, parseRoutingNumber } from './bank.ts'
import {
  coinAddress,
  parseBitcoinAddress,
  parseCashAddress,
  parseEthereumAddress,
  parseMoneroAddress,
} from './coins.ts'
import { matching } from './text.ts'
import { inGroup, type ObservableType } from './type.ts'

const banking = inGroup('finance', { lifetimeDays: 365 }, [
  {
    id: 'iban',
    description: 'An international bank account number.',
    stix: ['x-puente-iban:value', 'bank-account:iban'],
    misp: ['iban'],
    personalData: true,
    parse: parseIban,
    country: (value) => value.slice(0, 2),
  },
  {
    id: 'bic',
    description: 'A bank by its BIC (SWIFT code).',
    stix: ['x-puente-bic:value', 'bank-account:bic'],
    misp: ['bic'],
    parse: parseBic,
    country: (value) => value.slice(4, 6),
  },
  {
    id: 'bank-account',
    description: 'A bank account by its national number.',
    stix: ['x-puente-bank-account:value', 'bank-account:account_number'],
    misp: ['bank-account-nr'],
    personalData: true,
    parse: parseAccountNumber,
  },
  {
    id: 'aba-routing-number',
    description: 'A bank of the United States by its routing transit number.',
    misp: ['aba-rtn'],
    parse: parseRoutingNumber,
    country: () => 'US',
  },
  {
    id: 'payment-card',
    description: 'A payment card by its number.',
    stix: ['x-puente-payment-card:value', 'payment-card:card_number'],
    misp: ['cc-number'],
    personalData: true,
    parse: parseCardNumber,
  },
  {
    id: 'card-bin',
    description: 'The issuer of payment cards by the first six or eight digits.',
    misp: ['bin'],
    parse: matching(/^(?:\d{6}|\d{8})$/, 'a card issuer number: six or eight digits'),
  },
])

/** Version bytes as each coin's chainparams has them, main network only. */
const coins = inGroup('finance', {}, [
  {
    id: 'bitcoin-address',
    description: 'A Bitcoin address.',
    misp: ['btc'],
    parse: parseBitcoinAddress,
    becomes: (value) => (value.startsWith('bitcoincash:') ? 'bitcoin-cash-address' : 'bitcoin-address'),
  },
  {
    id: 'bitcoin-cash-address',
    description: 'A Bitcoin Cash address in CashAddr form, with its prefix.',
    parse: parseCashAddress,
  },
  {
    id: 'litecoin-address',
    description: 'A Litecoin address.',
    parse: coinAddress({ name: 'Litecoin', versions: ['30', '32', '05'], segwit: 'ltc' }),
  },
  {
    id: 'dogecoin-address',
    description: 'A Dogecoin address.',
    parse: coinAddress({ name: 'Dogecoin', versions: ['1e', '16'] }),
  },
  {
    id: 'dash-address',
    description: 'A Dash address.',
    misp: ['dash'],
    parse: coinAddress({ name: 'Dash', versions: ['4c', '10'] }),
  },
  {
    id: 'zcash-address',
    description: 'A transparent Zcash address.',
    parse: coinAddress({ name: 'Zcash', versions: ['1cb8', '1cbd'] }),
  },
  {
    id: 'tron-address',
    description: 'A TRON address.',
    parse: coinAddress({ name: 'TRON', versions: ['41'] }),
  },
  {
    id: 'ethereum-address',
    description: 'An Ethereum address in lower case.',
    parse: parseEthereumAddress,
  },
  {
    id: 'monero-address',
    description: 'A Monero address.',
    misp: ['xmr'],
    parse: parseMoneroAddress,
  },
])

const parcels = inGroup('finance', { lifetimeDays: 365, personalData: true }, [
  {
    id: 'tracking-number',
    description: "A parcel by its tracking number (UPU S10, or a carrier's own).",
    stix: ['tracking-number:value'],
    parse: matching(/^(?=[A-Z]*\d)[A-Z0-9]{8,40}$/, 'a tracking number: 8 to 40 letters and digits', (text) =>
      text.replace(/[\s-]/g, '').toUpperCase(),
    ),
  },
])

export const financeTypes: readonly ObservableType[] = [...banking, ...coins, ...parcels]
