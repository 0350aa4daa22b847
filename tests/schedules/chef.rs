//! Chef: `cron`, `cron_d`, timers and the services they start.

use super::*;

fn world<'a>(files: &'a [(&'a str, &'a str)]) -> serde_json::Value {
    World { files, links: &[] }.report()
}

#[test]
fn resources_are_jobs() {
    let recipe = r##"# cron "no" do
#   command "/bin/no"
# end
night = "3"

cron "dump" do
  minute "15"
  hour night
  weekday :sunday
  user "shop"
  command "/bin/dump #{node[:shop][:dir]}"
  environment "A" => "1"
  not_if do
    node[:role] == "test"
  end
end

cron_d "often" do
  minute "*/#{node[:often]}"
  command %q(/bin/often "x y")
  action :create
end

cron "by keyword" do
  time :daily
  command <<~CMD.strip
    /bin/daily
  CMD
end

cron "gone" do
  command "/bin/gone"
  action :delete
end

cron "alone"

%w[a b].each do |name|
  cron "each-#{name}" do
    if node[:x]
      hour "1"
    else
      hour "2"
    end
    minute 0
    command "/bin/each #{name}"
  end
end
"##;
    let report = world(&[("cookbooks/shop/recipes/default.rb", recipe)]);
    let at = |line: u32| format!("@ cookbooks/shop/recipes/default.rb:{line}");
    let who = "job:cookbooks/shop";
    assert_eq!(
        jobs(&report),
        [
            format!("{who}/by keyword as root: @daily (?): /bin/daily {}", at(24)),
            format!("{who}/dump as shop: 15 3 * * sun (?): /bin/dump #{{node[:shop][:dir]}} {}", at(6)),
            format!("{who}/each-#{{name}} as root: 0 #{{hour}} * * * (?): /bin/each #{{name}} {}", at(39)),
            format!("{who}/often as root: */#{{node[:often]}} * * * * (?): /bin/often \"x y\" {}", at(18)),
        ]
    );
    assert_eq!(
        gaps(&report),
        ["unresolved cookbooks/shop/recipes/default.rb:36: a cron resource without a command"]
    );
}

#[test]
fn timers_run_what_their_service_runs() {
    let recipe = r##"systemd_service "dump" do
  type "oneshot"
  exec_start "/bin/dump --all"
  user "shop"
end

systemd_timer "dump" do
  on_calendar "Mon 03:00"
  on_boot_sec 60
  randomized_delay_sec "10m"
end

systemd_timer "change" do
  timer "other"
  dropin "often"
  on_unit_inactive_sec "20m"
end

systemd_timer "old" do
  action :delete
end

systemd_unit "hash.timer" do
  content({ "Unit" => { "Description" => "x" }, "Timer" => { "OnCalendar" => ["04:00", "16:00"], "Unit" => "y.service" } })
  action [:create, :enable]
end

systemd_unit "text.timer" do
  content <<~UNIT
    [Timer]
    # OnCalendar=hourly
    OnCalendar=05:00
  UNIT
end

systemd_unit "text.service" do
  content({ Service: { ExecStart: "/bin/text" } })
end
"##;
    let report = world(&[("cookbooks/shop/recipes/timers.rb", recipe)]);
    let at = |line: u32| format!("@ cookbooks/shop/recipes/timers.rb:{line}");
    let who = "job:cookbooks/shop::timers";
    assert_eq!(
        jobs(&report),
        [
            format!("{who}/dump as shop: Mon 03:00 (?) [RandomizedDelaySec=10m]: /bin/dump --all {}", at(7)),
            format!(
                "{who}/dump as shop: OnBootSec=60 (?) [RandomizedDelaySec=10m]: /bin/dump --all {}",
                at(7)
            ),
            format!("{who}/hash as -: 04:00 (?): hash.service {}", at(23)),
            format!("{who}/hash as -: 16:00 (?): hash.service {}", at(23)),
            format!("{who}/other as -: OnUnitInactiveSec=20m (?): other.service {}", at(13)),
            format!("{who}/text as -: 05:00 (?): /bin/text {}", at(28)),
        ]
    );
    assert_eq!(gaps(&report), [""; 0]);
}
