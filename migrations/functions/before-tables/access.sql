-- Who may see which rows. Policies ask, so these functions come before the tables.

-- The organization whose rows this transaction works on; null, and so no rows at all, when nobody has said.
-- After a transaction-local set_config the setting reads back as '' rather than as unset, hence nullif.
create or replace function current_tenant() returns uuid
  language sql stable parallel safe
  return nullif(current_setting('holdline.tenant_id', true), '')::uuid;

-- Gives a SECURITY DEFINER function to the role whose rights it is to have, and lets the application alone call it.
-- Doing so again changes nothing. For the files beside this one; whoever calls it can do no more than they could
-- without it.
create or replace function run_as(p_function regprocedure, p_role name) returns void
  language plpgsql as $$
begin
  -- A function's owner must be allowed to create in its schema at the moment it becomes the owner.
  execute format('grant create on schema public to %I', p_role);
  execute format('alter function %s owner to %I', p_function, p_role);
  execute format('revoke create on schema public from %I', p_role);
  execute format('revoke all on function %s from public', p_function);
  execute format('grant execute on function %s to holdline_app', p_function);
end
$$;
revoke all on function run_as(regprocedure, name) from public;
