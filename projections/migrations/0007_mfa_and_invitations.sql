-- Whether somebody signs in with a second factor, which a review of access asks first. Its secret
-- is not here.
alter table users add column mfa_enabled boolean
    generated always as ((state ->> 'mfa') is not null) stored;
alter table users_history add column mfa_enabled boolean
    generated always as ((state ->> 'mfa') is not null) stored;

-- Whether somebody was invited and has not let themselves in yet.
alter table users add column invited boolean
    generated always as (coalesce((state -> 'invited')::boolean, false)) stored;
alter table users_history add column invited boolean
    generated always as (coalesce((state -> 'invited')::boolean, false)) stored;
