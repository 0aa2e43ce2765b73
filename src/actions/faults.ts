/** What the database's errors mean to whoever asked; for the doors, which do not know the store. */
export { databaseFault } from '../store/database-faults.ts'
