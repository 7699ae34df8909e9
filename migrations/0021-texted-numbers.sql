-- As before (0012), but a change is told only to a number that was promised a text about the appointment before: whether
-- the clinic texts to a number's country is decided there, and the number somebody merely called from was not asked.
create or replace function text_about_ending() returns trigger
  language plpgsql as $$
declare
  told text_messages;
begin
  update text_messages set status = 'withdrawn', updated_at = ledger_now()
  where appointment_id = new.id and status = 'recorded';
  if new.status = 'cancelled' and new.starts_at > ledger_now() then
    told := text_address(new.id);
    perform promise_text(new, jsonb_build_object('number', told.number, 'wording', 'cancelled',
      'language', told.language));
  end if;
  return null;
end
$$;

create or replace function text_about_move() returns trigger
  language plpgsql as $$
declare
  told text_messages := text_address(new.moved_from);
begin
  perform promise_text(new, jsonb_build_object('number', told.number, 'wording', 'moved', 'language', told.language));
  return null;
end
$$;

drop function usual_language(uuid);
