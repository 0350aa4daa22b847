//! rufus-scheduler and clockwork.

use super::*;

#[test]
fn blocks_are_jobs() {
    let rufus = r##"require "rufus-scheduler"
scheduler = Rufus::Scheduler.new
scheduler.every "90s", overlap: false do
  Queue.drain
end
scheduler.cron "5 0 * * * Asia/Tokyo", name: "nightly" do |job|
  Report.build
end
scheduler.cron("0 9 * * 1-5") { Mail.send_all }
# scheduler.every "1h" do
list.every "day" do
end
scheduler.every interval do
  Unknown.run
end
"##;
    let clock = r##"require "clockwork"
module Clockwork
  configure { |config| config[:tz] = "Europe/Paris" }
  every(10.minutes, "refresh.feeds") { Feed.refresh }
  every(1.day, "mail.digest", at: ["06:30", "18:30"]) do
    Digest.deliver
  end
  every(1.week, "weekly", at: "Monday 04:00", tz: "UTC")
  every(1.hour, "half", at: "**:30", if: lambda { |t| t.day == 1 }) { Half.run }
  every(1.day, "odd", at: "sometime") { Odd.run }
end
"##;
    let files = [("lib/clock.rb", clock), ("lib/scheduler.rb", rufus)];
    let report = World { files: &files, links: &[] }.report();
    assert_eq!(
        jobs(&report),
        [
            "job:clock/half as -: 30 * * * * (Europe/Paris) [1.hour since its last run] [if lambda { |t| t.day == 1 }]: Half.run @ lib/clock.rb:9",
            "job:clock/mail.digest as -: 30 18 * * * (Europe/Paris) [1.day since its last run]: Digest.deliver @ lib/clock.rb:5",
            "job:clock/mail.digest as -: 30 6 * * * (Europe/Paris) [1.day since its last run]: Digest.deliver @ lib/clock.rb:5",
            "job:clock/refresh.feeds as -: 600s (UTC): Feed.refresh @ lib/clock.rb:4",
            "job:clock/weekly as -: 0 4 * * 1 (UTC) [1.week since its last run]: weekly @ lib/clock.rb:8",
            "job:scheduler/cron: Mail.send_all as -: 0 9 * * 1-5 (?): Mail.send_all @ lib/scheduler.rb:9",
            "job:scheduler/every: Queue.drain as -: 90s (UTC) [overlap: false]: Queue.drain @ lib/scheduler.rb:3",
            "job:scheduler/every: Unknown.run as -: #{interval} (?): Unknown.run @ lib/scheduler.rb:13",
            "job:scheduler/nightly as -: 5 0 * * * Asia/Tokyo (Asia/Tokyo): Report.build @ lib/scheduler.rb:6",
        ]
    );
    assert_eq!(gaps(&report), ["unresolved lib/clock.rb:10: the schedule of odd is computed: at sometime",]);
}
