using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Recovery;

/// <summary>Identifies this process and tells whether another process on this host still exists.</summary>
internal static class HostProcesses
{
    /// <summary>This process. On systems other than Linux the machine parts are empty, and no process can be proven dead.</summary>
    public static HostProcess Current { get; } = OperatingSystem.IsLinux()
        ? new HostProcess(
            Read("/etc/machine-id") ?? Environment.MachineName,
            Read("/proc/sys/kernel/random/boot_id") ?? "",
            PidNamespace(),
            Environment.ProcessId,
            StartOf(Environment.ProcessId) ?? 0)
        : new HostProcess("", "", "", Environment.ProcessId, 0);

    /// <summary>Where a process runs, in words.</summary>
    public static string Describe(HostProcess process) => process switch
    {
        _ when process == Current => "this one",
        { MachineId.Length: 0 } => $"{process.ProcessId} on its machine",
        _ when process.MachineId == Current.MachineId => $"{process.ProcessId} on this machine",
        _ => $"{process.ProcessId} on machine {process.MachineId}",
    };

    /// <summary>
    /// True only if the process ran on this boot of this machine, in this process-id namespace, and its id is free or belongs to a process
    /// that started at another time. A stopped process still exists.
    /// </summary>
    public static bool IsProvenDead(HostProcess process) =>
        OperatingSystem.IsLinux() && IsProvenDead(process, Current, StartOf, MayExist);

    /// <summary>Applies the rule to any process table.</summary>
    /// <param name="process">The process in question.</param>
    /// <param name="observer">The process that asks.</param>
    /// <param name="startOf">The start of the process with an id; null if no such process is visible.</param>
    /// <param name="mayExist">Whether a process that is not visible may still exist.</param>
    public static bool IsProvenDead(HostProcess process, HostProcess observer, Func<int, long?> startOf, Func<int, bool> mayExist) =>
        observer.BootId.Length > 0
        && observer.PidNamespace.Length > 0
        && process.MachineId == observer.MachineId
        && process.BootId == observer.BootId
        && process.PidNamespace == observer.PidNamespace
        && startOf(process.ProcessId) is var start
        && start != process.ProcessStart
        && (start is not null || !mayExist(process.ProcessId));

    // Field 22 of /proc/PID/stat, in clock ticks since boot (proc(5)). The second field may contain blanks and brackets, so the fields are
    // counted from the last bracket.
    [SupportedOSPlatform("linux")]
    private static long? StartOf(int processId)
    {
        if (Read($"/proc/{processId.ToString(CultureInfo.InvariantCulture)}/stat") is not { } stat)
        {
            return null;
        }

        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');

        // A zombie has ended; its parent has just not collected it yet.
        return fields[0] == "Z" ? null : long.Parse(fields[19], CultureInfo.InvariantCulture);
    }

    // A process of another user may be hidden (proc(5), hidepid). An invisible process is asked for by id, and only a clear no counts.
    private static bool MayExist(int processId)
    {
        try
        {
            using var process = Process.GetProcessById(processId);
            return !File.Exists($"/proc/{processId.ToString(CultureInfo.InvariantCulture)}/stat");
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static string PidNamespace()
    {
        try
        {
            return new FileInfo("/proc/self/ns/pid").LinkTarget ?? "";
        }
        catch (IOException)
        {
            return "";
        }
        catch (UnauthorizedAccessException)
        {
            return "";
        }
    }

    private static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (IOException)
        {
            return null;
        }
        catch (UnauthorizedAccessException)
        {
            return null;
        }
    }
}
