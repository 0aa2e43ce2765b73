/** What a server is started with. */
export interface ServerSettings {
  /** PostgreSQL's data folder, real path. */
  readonly cluster: string
  /** Identity of the Node process the server is for. */
  readonly owner: string
  readonly socketFolder: string
  /** false: a throw-away cluster that a power failure may destroy, and more connections for parallel tests. */
  readonly durable: boolean
}

/**
 * How the server's command line begins, up to its owner: the one record of whom a server belongs to that cannot
 * outlive it.
 */
export function serverMark(cluster: string): string {
  return `-D ${cluster} -c puente.owner=`
}

/**
 * The arguments of `postgres`. They are given at every start and override the files of the cluster, so that a node
 * is never less durable, or more open, than this text says.
 */
export function serverArguments(settings: ServerSettings): string[] {
  const switched = settings.durable ? 'on' : 'off'
  const chosen: Record<string, string> = {
    listen_addresses: '',
    port: '5432', // of the socket's name only: nothing listens on TCP
    unix_socket_directories: settings.socketFolder,
    unix_socket_permissions: '0700',
    fsync: switched,
    full_page_writes: switched,
    // a log that nobody recovers from need not lie on the disk before it is written: filling it cost a bulk write a tenth of its time
    wal_init_zero: switched,
    synchronous_commit: 'on',
    shared_buffers: '128MB',
    max_connections: '200',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_destination: 'stderr',
    logging_collector: 'off',
    log_checkpoints: 'off',
    // a failed statement holds what somebody shared: its text stays out of the log
    log_min_error_statement: 'panic',
  }
  const owned = ['-D', settings.cluster, '-c', `puente.owner=${settings.owner}`]
  return [...owned, ...Object.entries(chosen).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
}
