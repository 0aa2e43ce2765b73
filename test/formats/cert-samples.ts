/** Files as the sources write them, with addresses and names of documentation. */

export const capNew = [
  '#generated on 20190326',
  '#category|address|asn|timestamp|optional_information|asninfo',
  '',
  'bot|192.0.2.21|64496|2019-03-22 11:18:52|family: Conficker;|Example AS Name, AT',
  'bot|192.0.2.22|64496|2019-03-25 03:44:22|family: nivdort;dest_addr: 198.51.100.22; dest_port: 80;protocol: 6;|Example AS Name, AT',
  'bruteforce|192.0.2.23|64496|2019-01-10 22:25:58|ssh;|Example AS Name, AT',
  'controller|192.0.2.24|64496|2019-03-25 05:01:47|family: http_post;hostname: www.example.com;|Example AS Name, AT',
  'darknet|192.0.2.25|64496|2019-03-25 17:24:06|darknet_port: 23, 2323;protocol: 6;|Example AS Name, AT',
  'phishing|192.0.2.26|64496|2019-03-20 13:03:18|http://www.example.com/a;b|c;|Example AS Name, AT',
  'proxy|192.0.2.27|64496|2019-03-25 16:00:00|proxy_type: http-34320;|Example AS Name, AT',
  'proxy|192.0.2.28|64496|2019-03-25 10:38:00|socks4-61039;|Example AS Name, AT',
  'openresolvers|192.0.2.29|64496|2019-03-25 06:29:38||Example AS Name, AT',
  'bot|192.0.2.30|0|2019-09-11 16:39:57|srcport 61458 mwtype Conficker dstaddr 198.51.100.22|Example AS Name, AT',
  'controller|192.0.2.31|64496|2019-09-22 05:39:38|family: http_post;hostname: sub.example.comport: 80;|Example AS Name, AT',
  'darknet|192.0.2.32|64496|2019-09-30 13:49:49|destination_port_numbers: 17875,24526 (total_count:19);port: 40434;protocol: 17;|Example AS Name, AT',
  'scanner|192.0.2.33|64496|2019-09-17 02:58:48|port: 53912;additional_asns: 64497,64498;|Example AS Name, AT',
].join('\n')

export const capOld = [
  '# Data file written at Fri Oct 31 13:37:42 2017 GMT',
  '# Format: report|ip|asn|timestamp|comments|asn_name',
  'bruteforce|192.0.2.1|64496|2017-10-31 10:00:00|ssh|Example AS Name',
  'openresolvers|192.0.2.2|64496|2017-10-31 10:00:01||Example AS Name',
  'phishing|192.0.2.3|64496|2017-10-31 10:00:02|http://www.example.com/|Example AS Name',
  'proxy|192.0.2.4|64496|2017-10-31 10:00:03|HTTP CONNECT (8080)|Example AS Name',
  'spam|192.0.2.5|64496|2017-10-31 10:00:04||Example AS Name',
  'bots|192.0.2.6|64496|2018-03-05 14:18:25|mwtype Mirai Mirai Bot|Example AS Name',
  'bots|192.0.2.7|64496|2017-10-31 10:00:05|srcport 1337 mwtype x destaddr 198.51.100.22 Some Botnet|Example AS Name',
  'stormworm|192.0.2.8|64496|2017-10-31 10:00:05|confidence:4 legacy srcport 1337|Example AS Name',
].join('\r\n')

export const sinkhole = [
  '"timestamp","protocol","src_ip","src_port","src_asn","src_geo","src_hostname","src_naics","severity","dst_ip","dst_port","infection","family","tag","x_new_column"',
  '"2026-06-01 04:05:06","tcp","192.0.2.41","51423",64496,"CL","host.example.com",0,"critical","198.51.100.1",80,"andromeda","","avalanche","kept ""as it is"""',
  '"2026-06-01 04:05:09","tcp","192.0.2.41","51424",64496,"CL","host.example.com",0,"critical","198.51.100.1",80,"andromeda","","avalanche",""',
  '"2026-06-01 04:05:09","tcp","192.0.2.999","1",64496,"CL","",0,"critical","","","andromeda","","",""',
].join('\n')

export const openDns = [
  'timestamp,severity,ip,protocol,port,hostname,tag,asn,geo,region,city,naics',
  '2026-06-01 00:00:01,medium,192.0.2.51,udp,53,ns.example.com,openresolver,64496,BR,,,517311',
  '2026-06-01 00:00:02,medium,2001:db8::53,udp,53,,openresolver,64496,BR,,,517311',
].join('\n')

export const malwareUrl = [
  'timestamp,url,hostname,ip,asn,geo,region,city,naics,sector,severity,port,tag,source,sha256,application',
  `2026-06-01 00:00:01,"http://dl.example.com/a,b.exe",dl.example.com,192.0.2.61,64496,PE,,,0,,critical,80,mozi,x,${'ab'.repeat(32)},http`,
].join('\n')

export const intelmqEvent = {
  __type: 'Event',
  'classification.taxonomy': 'malicious-code',
  'classification.type': 'c2-server',
  'classification.identifier': 'mirai-c2',
  'feed.name': 'Example Feed',
  'feed.accuracy': 99.5,
  'malware.name': 'Mirai',
  'protocol.transport': 'tcp',
  'source.ip': '192.0.2.71',
  'source.port': 8080,
  'source.fqdn': 'c2.example.com',
  'source.asn': 64_496,
  'source.geolocation.cc': 'EC',
  'time.source': '2026-06-01T12:00:00+00:00',
  'time.observation': '2026-06-01T12:30:00+00:00',
  tlp: 'YELLOW',
  raw: 'ZXhhbXBsZQ==',
  extra: { anything: ['at', 'all'] },
}

export const intelmqNested = {
  classification: { type: 'infected-system' },
  source: { ip: '192.0.2.72', port: 51_423 },
  destination: { ip: '198.51.100.9', port: 80 },
  malware: { name: 'andromeda' },
  time: { source: '2026-06-01T12:00:00Z' },
  tlp: 'GREEN',
}

export const n6Events = [
  {
    id: '0123456789abcdef0123456789abcdef',
    source: 'example.feed',
    restriction: 'public',
    confidence: 'medium',
    category: 'bots',
    time: '2026-06-01T10:00:00Z',
    name: 'andromeda',
    address: [{ ip: '192.0.2.81', cc: 'PL', asn: 64_496 }],
    proto: 'tcp',
    sport: 51_423,
    dip: '198.51.100.3',
    dport: 80,
  },
  {
    id: '1123456789abcdef0123456789abcdef',
    source: 'example.feed',
    restriction: 'internal',
    confidence: 'low',
    category: 'phish',
    time: '2026-06-01T10:00:00Z',
    until: '2026-06-01T20:00:00Z',
    url: 'http://phish.example.com/login',
    fqdn: 'phish.example.com',
    address: [{ ip: '192.0.2.82' }, { ip: '192.0.2.83' }],
  },
]

export const openioc10 = `<?xml version="1.0" encoding="utf-8"?>
<ioc xmlns="http://schemas.mandiant.com/2010/ioc" id="c32b8af6-28d0-47d3-801f-a2c2b0129650" last-modified="2026-06-01T00:00:00">
  <short_description>Example &amp; test</short_description>
  <description><![CDATA[two
lines]]></description>
  <links><link rel="grade">Red</link><link rel="tlp">amber</link></links>
  <definition>
    <Indicator operator="OR" id="7a4b0000-0000-4000-8000-000000000001">
      <IndicatorItem id="7a4b0000-0000-4000-8000-000000000002" condition="is">
        <Context document="FileItem" search="FileItem/Md5sum" type="mir" />
        <Content type="md5">d41d8cd98f00b204e9800998ecf8427e</Content>
      </IndicatorItem>
      <IndicatorItem id="x" condition="contains">
        <Context document="FileItem" search="FileItem/FilePath" type="mir" />
        <Content type="string">evil</Content>
      </IndicatorItem>
      <Indicator operator="AND" id="7a4b0000-0000-4000-8000-000000000003">
        <IndicatorItem condition="is">
          <Context document="FileItem" search="FileItem/FileName" type="mir" />
          <Content type="string">evil.exe</Content>
        </IndicatorItem>
        <IndicatorItem condition="is">
          <Context document="FileItem" search="FileItem/Sha1sum" type="mir" />
          <Content type="sha1">da39a3ee5e6b4b0d3255bfef95601890afd80709</Content>
        </IndicatorItem>
      </Indicator>
      <Indicator operator="AND" id="7a4b0000-0000-4000-8000-000000000004">
        <IndicatorItem condition="is">
          <Context document="FileItem" search="FileItem/FileName" type="mir" />
          <Content type="string">svchost.exe</Content>
        </IndicatorItem>
        <IndicatorItem condition="is">
          <Context document="FileItem" search="FileItem/SizeInBytes" type="mir" />
          <Content type="int">1024</Content>
        </IndicatorItem>
      </Indicator>
    </Indicator>
  </definition>
</ioc>
`

export const openioc11 = `<OpenIOC xmlns="http://openioc.org/schemas/OpenIOC_1.1" id="x" last-modified="2026-06-01T00:00:00Z">
  <metadata><short_description>Second</short_description></metadata>
  <criteria><Indicator operator="OR" id="y">
    <IndicatorItem id="7a4b0000-0000-4000-8000-000000000005" condition="is" preserve-case="false" negate="false">
      <Context document="Network" search="Network/DNS" type="mir"/><Content type="string">c2.example.org</Content>
    </IndicatorItem>
    <IndicatorItem id="z" condition="is" negate="true">
      <Context document="Network" search="Network/DNS" type="mir"/><Content type="string">good.example.org</Content>
    </IndicatorItem>
  </Indicator></criteria><parameters/>
</OpenIOC>`
