#!/usr/bin/env bash
# Trains and evaluates every row of the table of nuclei results, then writes it to nuclei.md.
#   tools/analysis_tools/nuclei_results.sh [SEED ...]            (default: 0)
# Needs data/nuclei with annotations/instances_{train,val}.json. A run that is finished is kept, one
# that was interrupted is resumed.
set -euo pipefail

tools="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
configs="$(dirname "$tools")/configs"
python="${PYTHON:-python}"
annotations=data/nuclei/annotations
work=work_dirs/nuclei
seeds=("${@:-0}")

# run MODEL_SUPERVISION: train its config, then measure boundary AP too
run() {
    local config="$configs/$1_24e_nuclei.py" folder="$work/${1##*/}_seed$seed"
    if [[ ! -f "$folder/epoch_24.pth" ]]; then
        "$python" "$tools/train.py" "$config" --work-dir "$folder" --resume \
            --cfg-options "randomness.seed=$seed"
    fi
    if [[ ! -f "$folder/tested" ]]; then
        "$python" "$tools/test.py" "$config" "$folder/epoch_24.pth" --work-dir "$folder" \
            --cfg-options test_evaluator.type=mmpointrend.CocoMetric \
            "test_evaluator.metric=['bbox','segm','boundary']"
        touch "$folder/tested"
    fi
}

# points NAME COMMAND...: make an annotation file once
points() {
    local file="$annotations/instances_train_$1.json"
    shift
    [[ -f "$file" ]] || "$python" "$tools/dataset_tools/$1" "${@:2}" "$file"
}

points p10 sample_points.py "$annotations/instances_train.json" --num-points 10
# Five percent of wrong labels: any, or those nearest to the objects' boundaries.
disturb=(disturb_points.py "$annotations/instances_train_p10.json" --share 0.05)
points p10-random "${disturb[@]}" --where random
points p10-boundary "${disturb[@]}" --where boundary --masks "$annotations/instances_train.json"

implicit=implicit_pointrend/implicit-pointrend_r18-small_fpn
for seed in "${seeds[@]}"; do
    for supervision in masks p10 p10-aug; do
        run "point_sup/mask-rcnn_r18-small_fpn_$supervision"
        run "pointrend/pointrend_r18-small_fpn_$supervision"
        run "${implicit}_$supervision"
        run "point_sup/condinst_r18-small_fpn_$supervision"
    done
    for supervision in masks p10; do
        run "pointins/pointins-fcos_r18-small_fpn_$supervision"
    done
    for supervision in p10-random p10-boundary; do
        run "${implicit}_$supervision"
    done
    # Self-training: the first seed's Implicit PointRend draws the masks, Mask R-CNN learns them.
    points pseudo pseudo_masks.py "$configs/${implicit}_p10_24e_nuclei.py" \
        "$work/${implicit##*/}_p10_seed${seeds[0]}/epoch_24.pth" \
        "$annotations/instances_train_p10.json" --keep-points
    run point_sup/mask-rcnn_r18-small_fpn_pseudo
done

"$python" "$tools/analysis_tools/collect_results.py" "$work"/*_seed* -o nuclei.md
