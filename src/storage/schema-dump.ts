import type { Sql } from 'postgres';

/**
 * Writes down what a database's schema is: roles, tables with all that belongs to them, functions. Two databases with
 * the same dump behave the same. Of a function it gives the signature, the rights and a digest of its body: the body
 * itself stands in `migrations/functions`, once. Of the queue's own tables it gives what we added.
 *
 * @param sql as the role that migrated the database
 */
export async function dumpSchema(sql: Sql): Promise<string> {
  const parts = [heading, await describeRoles(sql), await describeTables(sql), await describeFunctions(sql)];
  return `${parts.join('\n\n')}\n`;
}

const heading = `-- What the files in this folder make of an empty database. \`npm run migrate -- --dump\` writes this file, and a
-- test compares it. It is for reading and for comparing; nothing runs it.`;

async function describeRoles(sql: Sql): Promise<string> {
  const rows = await sql<{ line: string }[]>`
    select concat_ws(' ', 'role', r.rolname, case when r.rolcanlogin then 'login' else 'nologin' end,
      case when r.rolsuper then 'superuser' end, case when r.rolbypassrls then 'bypassrls' end,
      (select 'granted to ' || string_agg(g.rolname, ', ' order by g.rolname)
        from pg_auth_members m join pg_roles g on g.oid = m.member
        where m.roleid = r.oid and g.rolname = any (${roles}))) as line
    from pg_roles r where r.rolname = any (${roles})
    union all select 'extension ' || extname from pg_extension where extname <> 'plpgsql'
    union all
    select format('schema %s: %s to %s', n.nspname, string_agg(lower(a.privilege_type), ', ' order by a.privilege_type),
      a.grantee::regrole)
    from pg_namespace n, aclexplode(n.nspacl) a
    where n.nspname in ('public', 'graphile_worker') and a.grantee::regrole::text = any (${roles})
    group by n.nspname, a.grantee`;
  return sorted(rows).join('\n');
}

/** The roles that the migrations make; what other roles may do is the installation's business. */
const roles = ['holdline_app', 'holdline_directory', 'holdline_jobs'];

async function describeTables(sql: Sql): Promise<string> {
  const tables = await sql<{ id: number; name: string; ours: boolean; security: string | null }[]>`
    select oid::integer as id, case relkind when 'S' then 'sequence ' else 'table ' end || oid::regclass as name,
      relkind = 'r' and relnamespace = 'public'::regnamespace as ours,
      case when relforcerowsecurity then 'row security, forced' when relrowsecurity then 'row security' end as security
    from pg_class
    where relkind in ('r', 'S') and relnamespace in ('public'::regnamespace, 'graphile_worker'::regnamespace)
    order by relnamespace = 'public'::regnamespace desc, relname collate "C"`;
  const described = await Promise.all(
    tables.map(async ({ id, name, ours, security }) => {
      const own = ours ? [await columnsOf(sql, id), await constraintsOf(sql, id), security ?? []] : [];
      const lines = [own, await indexesOf(sql, id, ours), await rulesOf(sql, id)].flat(2);
      return lines.length === 0 ? [] : [name, ...lines.map((line) => `  ${line}`)].join('\n');
    }),
  );
  return described.flat().join('\n\n');
}

async function columnsOf(sql: Sql, table: number): Promise<string[]> {
  const rows = await sql<{ line: string }[]>`
    select concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), case when a.attnotnull then 'not null' end,
      case when a.attidentity <> '' then 'identity' end,
      case when a.attgenerated <> '' then 'generated as' when d.oid is not null then 'default' end,
      pg_get_expr(d.adbin, d.adrelid)) as line
    from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = ${table} and a.attnum > 0 and not a.attisdropped
    order by a.attnum`;
  return rows.map(({ line }) => line);
}

/** Postgres 18 lists "not null" here too; the columns tell it. */
async function constraintsOf(sql: Sql, table: number): Promise<string[]> {
  const rows = await sql<{ line: string }[]>`
    select conname || ' ' || pg_get_constraintdef(oid) as line from pg_constraint
    where conrelid = ${table} and contype <> 'n'`;
  return sorted(rows);
}

/** Those that no constraint has made. */
async function indexesOf(sql: Sql, table: number, ours: boolean): Promise<string[]> {
  const rows = await sql<{ line: string }[]>`
    select pg_get_indexdef(i.indexrelid) as line from pg_index i join pg_class c on c.oid = i.indexrelid
    where i.indrelid = ${table} and (${ours} or c.relname like 'holdline%')
      and not exists (select from pg_constraint where conindid = i.indexrelid and conrelid = i.indrelid)`;
  return sorted(rows);
}

async function rulesOf(sql: Sql, table: number): Promise<string[]> {
  const rows = await sql<{ line: string }[]>`
    select concat_ws(' ', 'policy', polname, 'for', case polcmd when '*' then 'all' when 'r' then 'select' else polcmd::text end,
      'to', (select string_agg(role::regrole::text, ', ') from unnest(polroles) role),
      'using ' || pg_get_expr(polqual, polrelid), 'with check ' || pg_get_expr(polwithcheck, polrelid)) as line
    from pg_policy where polrelid = ${table}
      and exists (select from unnest(polroles) role where role::regrole::text = any (${roles}))
    union all
    select pg_get_triggerdef(t.oid) from pg_trigger t join pg_proc f on f.oid = t.tgfoid
    where t.tgrelid = ${table} and not t.tgisinternal and f.pronamespace = 'public'::regnamespace
    union all
    select format('grant %s to %s', string_agg(lower(a.privilege_type), ', ' order by a.privilege_type),
      case a.grantee when 0 then 'public' else a.grantee::regrole::text end)
    from pg_class c, aclexplode(c.relacl) a
    where c.oid = ${table} and (a.grantee = 0 or a.grantee::regrole::text = any (${roles}))
    group by a.grantee`;
  return sorted(rows);
}

async function describeFunctions(sql: Sql): Promise<string> {
  const rows = await sql<{ line: string }[]>`
    select concat_ws(E'\n  ', format('function %s(%s) returns %s', p.proname, pg_get_function_arguments(p.oid),
        pg_get_function_result(p.oid)),
      concat_ws(', ', l.lanname, case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end,
        case when p.proparallel = 's' then 'parallel safe' end, case when p.proisstrict then 'strict' end,
        case when p.prosecdef then 'security definer' end,
        'set ' || array_to_string(p.proconfig, ', set '),
        'body ' || left(md5(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc)), 12)),
      case when p.proowner <> current_user::regrole then 'owner ' || p.proowner::regrole end,
      case when p.proacl is not null then 'execute to ' || coalesce((
        select string_agg(case a.grantee when 0 then 'public' else a.grantee::regrole::text end, ', '
          order by a.grantee::regrole::text)
        from aclexplode(p.proacl) a where a.grantee <> p.proowner), 'nobody else') end) as line
    from pg_proc p join pg_language l on l.oid = p.prolang
    where p.pronamespace = 'public'::regnamespace
      and not exists (select from pg_depend where objid = p.oid and classid = 'pg_proc'::regclass and deptype = 'e')`;
  return sorted(rows).join('\n\n');
}

/** By code points, so that no collation of an installation changes the order. */
function sorted(rows: readonly { line: string }[]): string[] {
  return rows.map(({ line }) => line).sort();
}
