/** What is no UUID names nothing: the answer is that of one that is not there. */
export const idOrNobody = (id: string): string =>
  /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id) ? id : '00000000-0000-0000-0000-000000000000'
