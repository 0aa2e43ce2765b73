export { membersOf, objectText } from '../domain/json-members.ts'
