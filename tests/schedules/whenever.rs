//! whenever: the lines of the crontab that it writes, checked with whenever 1.0 on the same text.

use super::*;

const SCHEDULE: &str = r##"# every 1.day do
#   command "/bin/no"
# end
set :output, "/var/log/cron.log"
set :path, "/srv/shop"
env :PATH, "/usr/local/bin:/bin"
night = "4:30 am"

job_type :push, "cd :path && push :task ':queue' :output"

every 1.day, at: night, roles: [:app, :db] do
  rake "db:dump"
  runner "Order.expire('old')"
end

every :sunday, at: ["1:00 am", "12pm"] do
  command "psql shop -c 'DELETE FROM carts'", output: nil
end

every 2.hours, at: 15 do
  push "orders", queue: "it's", output: { error: "/tmp/err", standard: nil }
end

every "0 0 27-31 * *" do
  command "date +%d > /tmp/day" if environment == "production"
end

every :reboot do
  command "/bin/first"
end

if environment == "staging"
  every(:hour) { rake "probe" }
end

every ENV["OFTEN"] do
  command "/bin/often"
end

every 1.day, at: computed(3) do
  command "/bin/computed"
end

every 20.seconds do
  command "/bin/too-often"
end

every :monday, at: "5 past noon" do
  command "/bin/words"
end
"##;

#[test]
fn it_becomes_the_lines_of_a_crontab() {
    let files = [
        ("shop/config/schedule.rb", SCHEDULE),
        ("shop/Gemfile", "gem 'whenever'\n"),
        ("shop/bin/rails", "#!ruby\n"),
    ];
    let report = World { files: &files, links: &[] }.report();
    let told: Vec<String> =
        jobs(&report).into_iter().map(|job| job.replace("shop/config/schedule.rb", "S")).collect();
    assert_eq!(
        told,
        [
            "job:shop//bin/first as -: @reboot (?): /bin/bash -l -c '/bin/first >> /var/log/cron.log 2>&1' @ S:29",
            "job:shop/Order.expire('old') as -: 30 4 * * * (?) [roles app,db]: /bin/bash -l -c 'cd /srv/shop && bundle exec bin/rails runner -e production '\\''Order.expire('\\''\\'\\'''\\''old'\\''\\'\\'''\\'')'\\'' >> /var/log/cron.log 2>&1' @ S:13",
            "job:shop/date +%d > /tmp/day as -: 0 0 27-31 * * (?) [if environment == \"production\"]: /bin/bash -l -c 'date +%d > /tmp/day >> /var/log/cron.log 2>&1' @ S:25",
            "job:shop/db:dump as -: 30 4 * * * (?) [roles app,db]: /bin/bash -l -c 'cd /srv/shop && RAILS_ENV=production bundle exec rake db:dump --silent >> /var/log/cron.log 2>&1' @ S:12",
            "job:shop/orders as -: 15 0,2,4,6,8,10,12,14,16,18,20,22 * * * (?): /bin/bash -l -c 'cd /srv/shop && push orders '\\''it'\\''\\'\\'''\\''s'\\'' >> /dev/null 2>> /tmp/err' @ S:21",
            "job:shop/probe as -: 0 * * * * (?) [if environment == \"staging\"]: /bin/bash -l -c 'cd /srv/shop && RAILS_ENV=production bundle exec rake probe --silent >> /var/log/cron.log 2>&1' @ S:33",
            "job:shop/psql shop -c 'DELETE FROM carts' as -: 0 1,12 * * 0 (?): /bin/bash -l -c 'psql shop -c '\\''?'\\'' >> /dev/null 2>&1' @ S:17",
        ]
    );
    assert_eq!(
        gaps(&report),
        [
            "unresolved shop/config/schedule.rb:37: the schedule of /bin/bash -l -c '/bin/often >> /var/log/cron.log 2>&1' is computed: every #{ENV[\"OFTEN\"]}",
            "unresolved shop/config/schedule.rb:41: the schedule of /bin/bash -l -c '/bin/computed >> /var/log/cron.log 2>&1' is computed: at computed(3)",
            "bad-schedule shop/config/schedule.rb:44: whenever takes no less than a minute",
            "unresolved shop/config/schedule.rb:49: the schedule of /bin/bash -l -c '/bin/words >> /var/log/cron.log 2>&1' is computed: the time \"5 past noon\" is not read here",
        ]
    );
}

#[test]
fn what_only_looks_like_it_is_none() {
    let other = "every 1.day do\n  thing\nend\n";
    let files = [
        ("app/every.rb", other),
        ("config/schedule.rb", "# every 1.day do\n#   rake 'x'\n# end\n"),
        (
            "blog/config/schedule.rb",
            "every :day, at: '4:30' do\n  rake 'known'\nend\nevery(:hour) do command 'one-line' end\n",
        ),
    ];
    let report = World { files: &files, links: &[] }.report();
    assert_eq!(
        jobs(&report),
        [
            // Without a half of the day four is in the afternoon.
            "job:blog/known as -: 30 16 * * * (?): /bin/bash -l -c 'cd #{path} && RAILS_ENV=production rake known --silent' @ blog/config/schedule.rb:2",
            "job:blog/one-line as -: 0 * * * * (?): /bin/bash -l -c 'one-line' @ blog/config/schedule.rb:4",
        ]
    );
}
