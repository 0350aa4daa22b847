//! Hangfire: recurring jobs, their helpers, zones and options.

use super::*;

const STARTUP: &str = r##"using Hangfire;
using System.Collections.Concurrent;

public class Startup
{
    private const string Nightly = "30 2 * * *";

    public void Configure(IRecurringJobManager jobs, Settings settings, IServiceProvider provider)
    {
        // RecurringJob.AddOrUpdate("no", () => No(), Cron.Daily);
        RecurringJob.AddOrUpdate("export", () => Export.Run(), Nightly);
        RecurringJob.AddOrUpdate<IMailer>("mails", mailer => mailer.Send("a, b"), Cron.Weekly(DayOfWeek.Friday, 17, 30),
            TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin"));
        RecurringJob.AddOrUpdate(() => Console.WriteLine("x"), Cron.Minutely);
        jobs.AddOrUpdate("prune", "slow", () => Prune(), "0 0 L * *", new RecurringJobOptions { TimeZone = TimeZoneInfo.Local });
        jobs.AddOrUpdate("windows", () => W(), Cron.Daily(minute: 5, hour: 3), TimeZoneInfo.FindSystemTimeZoneById("W. Europe Standard Time"));
        if (settings.Sync)
        {
            provider.GetRequiredService<IRecurringJobManager>().AddOrUpdate<Sync<Order>>($"sync", s => s.RunAsync(CancellationToken.None), settings.Cron);
        }
        jobs.AddOrUpdate("wrong", () => Wrong(), "0 25 * * *");
        var cache = new ConcurrentDictionary<string, int>();
        cache.AddOrUpdate("key", 1, (key, value) => value + 1);
    }
}
"##;

#[test]
fn recurring_jobs_are_jobs_and_dictionaries_are_none() {
    let report = World { files: &[("src/Shop.Web/Startup.cs", STARTUP)], links: &[] }.report();
    let told: Vec<String> =
        jobs(&report).into_iter().map(|job| job.replace("src/Shop.Web/Startup.cs", "S")).collect();
    assert_eq!(
        told,
        [
            "job:Shop.Web/Console.WriteLine(\"x\") as -: * * * * * (UTC): Console.WriteLine(\"x\") @ S:14",
            "job:Shop.Web/export as -: 30 2 * * * (UTC): Export.Run() @ S:11",
            "job:Shop.Web/mails as -: 30 17 * * 5 (Europe/Berlin): IMailer.Send(\"a, b\") @ S:12",
            "job:Shop.Web/prune as -: 0 0 L * * (?): Prune() @ S:15",
            "job:Shop.Web/sync as -: ${settings.Cron} (UTC) [if (settings.Sync)]: Sync<Order>.RunAsync(CancellationToken.None) @ S:19",
            "job:Shop.Web/windows as -: 5 3 * * * (Europe/Berlin): W() @ S:16",
        ]
    );
    assert_eq!(
        gaps(&report),
        [
            "unresolved src/Shop.Web/Startup.cs:19: the schedule of Sync<Order>.RunAsync(CancellationToken.None) is computed: ${settings.Cron}",
            "bad-schedule src/Shop.Web/Startup.cs:21: 0 25 * * *: Hangfire rejects it: hour: \"25\" is no number from 0 to 23",
        ]
    );
}
